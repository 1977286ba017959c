"""The files of the workspace: a tree that follows them, what held processes would change marked, a look into each."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.highlight import highlight
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Footer, Static, Tree

from casava_os.kernel.journal import Journal
from casava_os.shell.listing import Plans, plans_of, read_preview
from casava_os.shell.marks import Marks
from casava_os.shell.watching import FolderWatch
from casava_os.shell.widgets.changes import DiffView, diff_sections
from casava_os.shell.widgets.filetree import FileTree, Item
from casava_os.shell.wording import home_path, size_text
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import path_text

SETTLE = 0.3
"""Seconds from one look at what changed to the next."""
LOOK = 4.0
"""Seconds between two looks at folders that the system does not watch, and at what is held."""
LINES, COLUMNS = 400, 400
"""How much of a text is shown beside the tree."""
HIGHLIGHTED = 40_000
"""Longest text that is coloured, in characters."""


class FilesScreen(ModalScreen[str | None]):
    """Gives the path that was chosen, in its text form."""

    CSS_PATH = ["over.tcss", "files.tcss"]  # noqa: RUF012 - as Textual declares it
    AUTO_FOCUS = "#tree"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "use", "Into the prompt", priority=True, id="files.use", tooltip="Put the path into the prompt."),
        Binding("full_stop", "hidden", "Hidden files", id="files.hidden", tooltip="Show or hide hidden files."),
        Binding("tab", "other", "To the other side", show=False, id="files.other", tooltip="From the tree to the text, and back."),
        Binding("escape,q,f6", "leave", "Close", id="files.leave"),
    ]  # fmt: skip

    def __init__(self, workspace: Path, journal: Journal, marks: Marks) -> None:
        super().__init__()
        self._place = home_path(path_text(str(workspace)))
        self._journal = journal
        self._tree = FileTree(workspace, marks)
        self._watch = FolderWatch()
        self._said = ""
        self._here = path_text(self._tree.path_of(""))

    def compose(self) -> ComposeResult:
        with Vertical(id="over"):
            yield Static("", id="about", markup=False)
            with Horizontal(id="panes"):
                yield self._tree
                with Vertical(id="preview"):
                    yield Static("", id="what", markup=False)
                    yield VerticalScroll(id="text")
        yield Footer()

    async def on_mount(self) -> None:
        self._tree.plans = plans_of(self._journal, self._here)
        self._tell()
        self._tree.root.expand()
        self.set_interval(SETTLE, self._follow)
        self.set_interval(LOOK, self._look)

    def on_unmount(self) -> None:
        self._watch.close()

    def _tell(self) -> None:
        plans = self._tree.plans
        waits = ""
        if plans.pids:
            count = sum(len(names) for names in plans.by_folder.values())
            who = "process" if len(plans.pids) == 1 else "processes"
            numbers = ", ".join(str(pid) for pid in plans.pids)
            waits = f"   {count:,} would change when {who} {numbers} is applied"
        limited = f"\nLooking every {LOOK:.0f} seconds: {self._watch.limited}" if self._watch.limited else ""
        self.query_one("#about", Static).update(
            Content.assemble(
                ("Files", "bold"),
                "  ",
                visible(self._place),
                (waits, "$text-warning"),
                (limited, "$text-warning"),
            )
        )

    # ---------------------------------------------------------------------------------------- following

    def on_file_tree_opened(self, _event: FileTree.Opened) -> None:
        """Watches what is open, and nothing else."""
        limited = self._watch.limited
        self._watch.keep(self._tree.open_folders)
        if self._watch.limited != limited:
            self._tell()

    async def _follow(self) -> None:
        """Reads again what the system said has changed."""
        if dirty := self._watch.changed():
            await self._read(dirty)

    async def _look(self) -> None:
        """Looks at what nobody tells of: folders that are not watched, and what is held."""
        dirty = await asyncio.to_thread(self._watch.look)
        plans = plans_of(self._journal, self._here)
        if plans != self._tree.plans:
            self._tree.plans = plans
            self._tell()
            dirty = set(self._tree.open_folders)
        if dirty:
            await self._read(dirty)

    async def _read(self, folders: set[str]) -> None:
        for path, node in self._tree.open_folders.items():
            if path in folders:
                await self._tree.read(node)
        current = self._tree.cursor_node
        if current is not None and current.data is not None:
            self._preview(current.data)

    # ----------------------------------------------------------------------------------------- looking in

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Item]) -> None:
        """Shows what is under the cursor."""
        event.stop()
        if event.node.data is not None:
            self._preview(event.node.data)

    def _preview(self, item: Item) -> None:
        self.run_worker(self._show(item), group="preview", exclusive=True)

    async def _show(self, item: Item) -> None:
        row, plans = item.row, self._tree.plans
        said, body = "", Static("")
        made: Widget = body
        if row is None or row.kind == "directory":
            said = visible(item.path) + "/" if item.path else visible(self._place)
        elif row.planned and (diff := _part(plans, row.planned[-1].pid, item.path)):
            said = f"{visible(item.path)}   what process {row.planned[-1].pid} would do"
            made = DiffView(diff)
        else:
            shown = await asyncio.to_thread(read_preview, self._here_path, item.path)
            size = "" if row.size is None else f"   {size_text(row.size)}"
            note = f"   {visible(shown.said)}" if shown.said else ""
            said = f"{visible(item.path)}{size}{note}"
            if shown.text:
                body.update(await asyncio.to_thread(_coloured, shown.text, row.name))
        self.query_one("#what", Static).update(Content.styled(said, "bold"))
        text = self.query_one("#text", VerticalScroll)
        with self.app.batch_update():
            await text.remove_children()
            await text.mount(made)
        text.scroll_home(animate=False)

    @property
    def _here_path(self) -> str:
        return self._tree.path_of("")

    # ------------------------------------------------------------------------------------------- actions

    async def action_use(self) -> None:
        """Takes the path, or shows more of a long folder."""
        node = self._tree.cursor_node
        item = node.data if node is not None else None
        if node is None or item is None:
            return
        if item.more and node.parent is not None and node.parent.data is not None:
            node.parent.data.pages += 1
            await self._tree.read(node.parent)
        elif item.row is not None or item.path == "":
            self.dismiss(item.path or ".")

    async def action_hidden(self) -> None:
        """Shows or hides files whose name begins with a dot."""
        self._tree.hidden = not self._tree.hidden
        await self._read(set(self._tree.open_folders))

    def action_other(self) -> None:
        """From the tree to the text, and back."""
        text = self.query_one("#text", VerticalScroll)
        inner = next(iter(text.query(DiffView)), text)
        (inner if self._tree.has_focus else self._tree).focus()

    def action_leave(self) -> None:
        """Closes it."""
        self.dismiss(None)


def _part(plans: Plans, pid: int, path: str) -> str:
    """One path's part of a process's diff; empty when there is none."""
    diff = plans.diffs.get(pid, "")
    sections = diff_sections(diff)
    begin = sections.get(visible(path))
    if begin is None:
        return ""
    end = min((line for line in sections.values() if line > begin), default=None)
    return "\n".join(diff.splitlines()[begin:end])


def _coloured(text: str, name: str) -> Content:
    """The first lines of a text, harmless, coloured by what the file is when it is not long."""
    lines = [line[:COLUMNS] for line in text.split("\n", LINES + 1)[:LINES]]
    harmless = visible("\n".join(line.removesuffix("\r").expandtabs(4) for line in lines), keep="\n")
    return highlight(harmless, path=name) if len(harmless) <= HIGHLIGHTED else Content(harmless)
