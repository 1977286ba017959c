"""A changeset on screen: a list of its changes, and the tree of its files, where each can be ticked or left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, Tree
from textual.widgets.tree import TreeNode

from casava_os.kernel.ports import Change
from casava_os.kernel.selection import needs
from casava_os.shell.marks import Marks
from casava_os.shell.widgets.diff import DiffView
from casava_os.shell.widgets.difftext import diff_sections
from casava_os.shell.wording import privileges_text, sizes_text
from casava_sandbox.layer.visible import visible

__all__ = ["MARKS", "ChangeList", "ChangeTree", "DiffView", "change_content", "diff_sections"]

MARKS = {
    "added": ("+", "success"),
    "deleted": ("-", "error"),
    "changed": ("~", "warning"),
    "mode": ("m", "warning"),
    "renamed": (">", "primary"),
}
"""Sign and theme colour of each kind of change."""

MOST_NODES = 2000
"""Changes that stand in the tree; the rest is counted."""
LISTED = 6
"""Changes that a finished block lists."""


def change_content(change: Change) -> Content:
    """One change as a line."""
    sign, colour = MARKS[change.action]
    old = f"{visible(change.source)} → " if change.source else ""
    target = f" → {visible(change.target)}" if change.target is not None else ""
    return Content.assemble(
        (f"{sign} ", f"bold $text-{colour}"),
        old,
        (visible(change.path) + ("/" if change.type == "directory" else ""), f"$text-{colour}"),
        target,
        (f"  {sizes_text(change)}", "$text-muted"),
        (f"  {privileges_text(change)}", "bold $text-error"),
    ).rstrip()


class ChangeList(Static):
    """What landed, waits or was undone, in a few lines."""

    def __init__(self, changes: Sequence[Change]) -> None:
        super().__init__(markup=False)
        self.changes = tuple(changes)

    def render(self) -> Content:
        lines = [change_content(change) for change in self.changes[:LISTED]]
        if (more := len(self.changes) - LISTED) > 0:
            lines.append(Content.styled(f"… and {more:,} more", "$text-muted"))
        return Content("\n").join(lines)


@dataclass(slots=True)
class _Entry:
    """A path in the tree: its own change, if it has one, and what lies below it."""

    change: Change | None = None
    below: dict[str, _Entry] = field(default_factory=dict)


class ChangeTree(Tree[Change | None]):
    """The changed files as a tree; the root stands for all of them. What is ticked can land without the rest."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tree--success", "tree--error", "tree--warning", "tree--primary", "tree--out",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "tick",
            "Tick",
            id="changes.tick",
            tooltip="Take this file, or all of this folder, or leave it out.",
        ),
    ]
    ICON_NODE = ""
    ICON_NODE_EXPANDED = ""

    class Ticked(Message):
        """What is ticked is another part than before."""

        def __init__(self, tree: ChangeTree) -> None:
            super().__init__()
            self.tree = tree

    def __init__(self, changes: Sequence[Change], marks: Marks) -> None:
        self.changes = changes
        self._needs = needs(changes)
        self.chosen = {change.path for change in changes}
        self._marks = marks
        super().__init__("", None)
        self.guide_depth = 2
        self.show_guides = False

    @property
    def whole(self) -> bool:
        """Whether everything is ticked."""
        return len(self.chosen) == len(self.changes)

    def on_mount(self) -> None:
        top = _Entry()
        for change in self.changes[:MOST_NODES]:
            entry = top
            for part in change.path.split("/"):
                entry = entry.below.setdefault(part, _Entry())
            entry.change = change
        self._fill(self.root, top)
        if (more := len(self.changes) - MOST_NODES) > 0:
            self.root.add_leaf(Text(f"{self._marks.more} and {more:,} more"), None)
        self.root.expand_all()

    def _fill(self, node: TreeNode[Change | None], entry: _Entry) -> None:
        folders = {n: e for n, e in entry.below.items() if e.below or _makes_folder(e.change)}
        for name, inner in folders.items():
            label = self._label(inner.change) if inner.change else Text(visible(name) + "/", style="dim")
            made = node.add(label, inner.change, expand=True, allow_expand=bool(inner.below))
            self._fill(made, inner)
        for name, inner in entry.below.items():
            if name not in folders and inner.change is not None:
                node.add_leaf(self._label(inner.change), inner.change)

    def _label(self, change: Change) -> Text:
        sign, _ = MARKS[change.action]
        name = change.path.rpartition("/")[2] + ("/" if change.type == "directory" else "")
        label = Text(f"{sign} {visible(name)}")
        if change.source:
            label.append(f"  was {visible(change.source)}")
        if change.target is not None:
            label.append(f" → {visible(change.target)}")
        if told := sizes_text(change):
            label.append(f"  {told}", style="dim")
        if told := privileges_text(change):
            label.append(f"  {told}", style="bold reverse")
        return label

    # ------------------------------------------------------------------------------------------ choosing

    def action_tick(self) -> None:
        """Takes what the cursor is on with all that it needs, or leaves it out with all that needs it."""
        if self.cursor_node is not None and len(self.changes) > 1:
            self.tick(self.cursor_node)

    def tick(self, node: TreeNode[Change | None]) -> None:
        """Changes what is ticked at a node."""
        paths = set(self._paths(node))
        if not paths:
            return
        if paths <= self.chosen:
            self.chosen -= self._needs.with_dependent(paths)
        else:
            self.chosen |= self._needs.with_needed(paths)
        self._updates += 1
        self.refresh()
        self.post_message(self.Ticked(self))

    def _paths(self, node: TreeNode[Change | None]) -> Iterator[str]:
        if node is self.root:
            yield from (change.path for change in self.changes)
            return
        if node.data is not None:
            yield node.data.path
        for child in node.children:
            yield from self._paths(child)

    def _tick_of(self, node: TreeNode[Change | None]) -> str:
        if len(self.changes) < 2:
            return ""
        states = {path in self.chosen for path in self._paths(node)}
        return {frozenset({True}): "[x] ", frozenset({False}): "[ ] ", frozenset(): ""}.get(
            frozenset(states), "[-] "
        )

    def render_label(self, node: TreeNode[Change | None], base_style: Style, style: Style) -> Text:
        """The label in its kind's colour, of the theme that is on now, behind its tick."""
        if node is self.root:
            label = Text(self._count(), style=style + Style(bold=True))
            if len(self.changes) > 1 and not self.has_focus and self.whole:
                label.append("  Tab, Space: leave some out", style="not bold dim")
        else:
            label = super().render_label(node, base_style, style)
        focused = self.has_focus and node is self.cursor_node
        if node.data is not None and not focused:
            colour = MARKS[node.data.action][1] if node.data.path in self.chosen else "out"
            label.stylize(self.get_component_rich_style(f"tree--{colour}", partial=True))
        return Text.assemble((self._tick_of(node), style), label)

    def _count(self) -> str:
        total = len(self.changes)
        if self.whole:
            return f"{total:,} change{'s' if total != 1 else ''}"
        return f"{len(self.chosen):,} of {total:,} changes"


def _makes_folder(change: Change | None) -> bool:
    return change is not None and (change.type == "directory" or change.type_before == "directory")
