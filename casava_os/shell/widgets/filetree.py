"""The workspace as a tree whose folders are read when they are opened, and which follows what changes in them."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from casava_os.shell.listing import PAGE, Folder, Plans, Row, read_folder
from casava_os.shell.marks import Marks
from casava_os.shell.wording import size_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import fs_path

_SIGNS = {
    "added": ("+", "success"),
    "deleted": ("-", "error"),
    "changed": ("~", "warning"),
    "mode": ("m", "warning"),
    "renamed": (">", "warning"),
}


@dataclass(slots=True)
class Item:
    """What a node stands for."""

    path: str
    """In its text form, from the workspace; "" for the workspace itself."""
    row: Row | None = None
    """None for the workspace, and for lines that only say something."""
    pages: int = 1
    """Of a folder: how many pages of it are shown."""
    more: bool = False
    """Whether this is the line that brings the next page of its folder."""

    @property
    def folder(self) -> bool:
        return self.path == "" or (self.row is not None and self.row.kind == "directory")


class FileTree(Tree[Item]):
    """Names are shown harmless; `path` keeps them as they are."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tree--success", "tree--error", "tree--warning", "tree--muted",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "toggle_node", "Open, close", id="files.toggle", tooltip="Open or close a folder."),
        Binding("right", "open", "Open", show=False, id="files.open", tooltip="Open the folder."),
        Binding(
            "left",
            "close",
            "Close",
            show=False,
            id="files.close",
            tooltip="Close it, or go to the one it is in.",
        ),
    ]
    ICON_NODE = "▸ "
    ICON_NODE_EXPANDED = "▾ "

    class Opened(Message):
        """Other folders are open now."""

    def __init__(self, workspace: Path, marks: Marks) -> None:
        super().__init__(Text(visible(workspace.name or "/")), Item(""), id="tree")
        self._workspace = os.path.realpath(workspace)
        self._marks = marks
        self.plans = Plans()
        self.hidden = False
        self.guide_depth = 2
        self.show_guides = False
        self.auto_expand = False

    # ------------------------------------------------------------------------------------------ reading

    def path_of(self, folder: str) -> str:
        """Where a folder is, for `os` functions."""
        return os.path.join(self._workspace, fs_path(folder)) if folder else self._workspace  # noqa: PTH118

    @property
    def open_folders(self) -> dict[str, TreeNode[Item]]:
        """The folders whose entries are shown, by their paths for `os` functions."""
        found: dict[str, TreeNode[Item]] = {}
        left = [self.root]
        while left:
            node = left.pop()
            if node.data is not None and node.data.folder and node.is_expanded:
                found[self.path_of(node.data.path)] = node
                left += node.children
        return found

    async def read(self, node: TreeNode[Item]) -> None:
        """Reads a folder and shows what it holds now; what stays keeps its node."""
        item = node.data
        if item is None:
            return
        most, plans, hidden = PAGE * item.pages, self.plans, self.hidden
        folder = await asyncio.to_thread(
            lambda: read_folder(self._workspace, item.path, plans, hidden=hidden, most=most)
        )
        if self.is_attached:
            self._show(node, item, folder)

    def _show(self, node: TreeNode[Item], item: Item, folder: Folder) -> None:
        wanted = [(row.name, row) for row in folder.rows]
        there = {self._key(child): child for child in node.children}
        names = {name for name, _ in wanted}
        for name, child in there.items():
            row = child.data.row if child.data is not None else None
            if row is None or name not in names:
                child.remove()
        start = f"{item.path}/" if item.path else ""
        for index, (name, row) in enumerate(wanted):
            old = there.get(name)
            kept = old is not None and old.data is not None and old.data.row is not None
            if kept and old is not None and old.data is not None:
                if old.data.row == row:
                    continue
                if old.data.row is not None and old.data.row.kind == row.kind:
                    old.data.row = row
                    old.set_label(self._label(row))
                    continue
                old.remove()
            at = index if index < len(node.children) else None
            data = Item(f"{start}{name}", row)
            node.add(self._label(row), data, before=at, allow_expand=row.kind == "directory")
        if folder.problem:
            node.add_leaf(Text(folder.problem, style="italic"), Item(item.path))
        elif folder.more:
            more = f"{self._marks.more} {folder.more:,} more: Enter shows {min(PAGE, folder.more)} of them"
            node.add_leaf(Text(more, style="italic"), Item(item.path, more=True))
        elif not wanted:
            node.add_leaf(Text("empty", style="italic"), Item(item.path))

    @staticmethod
    def _key(node: TreeNode[Item]) -> str:
        """A key among its siblings; no file's name has a slash."""
        return node.data.row.name if node.data is not None and node.data.row is not None else f"/{node.id}"

    def _label(self, row: Row) -> Text:
        label = Text(visible(row.name) + ("/" if row.kind == "directory" else ""))
        if row.kind == "link":
            label.append(" (link)", style="dim")
        if row.planned:
            sign = _SIGNS.get(row.planned[-1].action, ("~", ""))[0]
            label = Text(f"{sign} ") + label
            for plan in row.planned:
                how = "waits for your answer" if plan.waits else "held"
                label.append(f"  {visible(plan.words)} by {plan.pid}, {how}", style="dim")
        elif row.size is not None:
            label.append(f"  {size_text(row.size)}", style="dim")
        if row.inside:
            label.append(f"  {row.inside:,} change{'' if row.inside == 1 else 's'} inside", style="dim")
        return label

    def render_label(self, node: TreeNode[Item], base_style: Style, style: Style) -> Text:
        """The label, in the colour of what is planned with it."""
        label = super().render_label(node, base_style, style)
        row = node.data.row if node.data is not None else None
        if row is not None and row.planned and not (self.has_focus and node is self.cursor_node):
            colour = _SIGNS.get(row.planned[-1].action, ("", "warning"))[1]
            label.stylize(self.get_component_rich_style(f"tree--{colour}", partial=True))
        return label

    # ------------------------------------------------------------------------------------------ opening

    async def on_tree_node_expanded(self, event: Tree.NodeExpanded[Item]) -> None:
        """Reads it."""
        event.stop()
        await self.read(event.node)
        self.post_message(self.Opened())

    def on_tree_node_collapsed(self, event: Tree.NodeCollapsed[Item]) -> None:
        """Forgets it: the next time it is read anew."""
        event.stop()
        event.node.remove_children()
        if event.node.data is not None:
            event.node.data.pages = 1
        self.post_message(self.Opened())

    def action_open(self) -> None:
        """Opens the folder under the cursor."""
        node = self.cursor_node
        if node is not None and node.data is not None and node.data.folder and not node.data.more:
            node.expand()

    def action_close(self) -> None:
        """Closes the folder under the cursor, else goes to the one it is in."""
        node = self.cursor_node
        if node is None:
            return
        if node.is_expanded and node.allow_expand and node is not self.root:
            node.collapse()
        elif node.parent is not None:
            self.move_cursor(node.parent)
