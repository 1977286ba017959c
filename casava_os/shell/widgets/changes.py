"""A changeset on screen: the tree of its files, and its unified diff, file by file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static, Tree
from textual.widgets.tree import TreeNode

from casava_os.kernel.ports import Change
from casava_os.shell.marks import Marks
from casava_os.shell.wording import privileges_text, sizes_text
from casava_sandbox.layer.visible import visible

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
class _Folder:
    """A directory on the way to changes."""

    change: Change | None = None
    """Its own, when it is new itself, or another kind of thing than before."""
    folders: dict[str, _Folder] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)


class ChangeTree(Tree[Change | None]):
    """The changed files as a tree; the root stands for all of them."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tree--success", "tree--error", "tree--warning", "tree--primary",
    }  # fmt: skip
    ICON_NODE = ""
    ICON_NODE_EXPANDED = ""

    def __init__(self, changes: Sequence[Change], marks: Marks) -> None:
        label = f"{len(changes):,} change{'s' if len(changes) != 1 else ''}"
        super().__init__(Text(label, style="bold"), None)
        self.guide_depth = 2
        self.show_guides = False
        self._changes = changes
        self._marks = marks

    def on_mount(self) -> None:
        top = _Folder()
        for change in self._changes[:MOST_NODES]:
            folder = top
            *above, name = change.path.split("/")
            for part in above:
                folder = folder.folders.setdefault(part, _Folder())
            if change.type == "directory" and change.action != "deleted":
                folder.folders.setdefault(name, _Folder()).change = change
            else:
                folder.changes.append(change)
        self._fill(self.root, top)
        if (more := len(self._changes) - MOST_NODES) > 0:
            self.root.add_leaf(Text(f"{self._marks.more} and {more:,} more"), None)
        self.root.expand_all()

    def _fill(self, node: TreeNode[Change | None], folder: _Folder) -> None:
        for name, inner in folder.folders.items():
            label = self._label(inner.change) if inner.change else Text(visible(name) + "/", style="dim")
            self._fill(node.add(label, inner.change, expand=True, allow_expand=True), inner)
        for change in folder.changes:
            node.add_leaf(self._label(change), change)

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

    def render_label(self, node: TreeNode[Change | None], base_style: Style, style: Style) -> Text:
        """The label in its kind's colour, of the theme that is on now."""
        label = super().render_label(node, base_style, style)
        if node.data is not None and not (self.has_focus and node is self.cursor_node):
            colour = MARKS[node.data.action][1]
            label.stylize(
                self.get_component_rich_style(f"tree--{colour}", partial=True), 0, len(str(node.label))
            )
        return label


def diff_sections(diff: str) -> dict[str, int]:
    """Where each path's part of a diff begins: line numbers from 0, by the path as the diff spells it."""
    found: dict[str, int] = {}
    lines = diff.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("--- ") and number + 1 < len(lines) and lines[number + 1].startswith("+++ b/"):
            found.setdefault(lines[number + 1].removeprefix("+++ b/"), number)
        elif match := _TOLD.match(line):
            found.setdefault(match["path"], number)
    return found


_TOLD = re.compile(
    r"(?:(?:deleted|added|changed)(?: binary)? (?:file|directory|link): |renamed: .* → |mode: )"
    r"(?P<path>.*?)(?: \(\d+ bytes\)|, \S.*|(?<!renamed) → .*)?$"
)
"""The one line that a diff has for what it does not compare."""


class DiffView(ScrollView, can_focus=True):
    """A unified diff, of any length: only the lines in view are drawn."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "diff--added", "diff--removed", "diff--hunk", "diff--file", "diff--same",
    }  # fmt: skip

    def __init__(self, diff: str) -> None:
        super().__init__()
        self._lines = [line.expandtabs(4) for line in diff.splitlines()]
        self._sections = diff_sections(diff)
        self._widest = max((len(line) for line in self._lines), default=0)
        self.virtual_size = Size(self._widest + 2, len(self._lines))

    @property
    def length(self) -> int:
        """How many lines it has."""
        return len(self._lines)

    def show(self, path: str) -> None:
        """Scrolls to the part of one path (the first line for an empty one)."""
        line = self._sections.get(visible(path), 0) if path else 0
        self.scroll_to(x=0, y=line, animate=False)

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        number = y + scroll_y
        width = self.scrollable_content_region.width
        if number >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[number]
        style = self.get_component_rich_style(_component(line))
        return (
            Strip([Segment(line, style)])
            .crop(scroll_x, scroll_x + width)
            .extend_cell_length(width, style)
            .apply_style(style)
        )


def _component(line: str) -> str:
    if line.startswith(("+++", "---")):
        return "diff--file"
    return {"+": "diff--added", "-": "diff--removed", "@": "diff--hunk", " ": "diff--same"}.get(
        line[:1], "diff--file"
    )
