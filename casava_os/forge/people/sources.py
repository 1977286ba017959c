"""What text comes from: files that the command names, an earlier call's result, or standard input."""

from __future__ import annotations

from collections.abc import Sequence

from casava_os.forge.people import naming
from casava_os.forge.people.errors import Unsaid, Unsayable
from casava_os.forge.people.finding import ONLY_HERE
from casava_os.forge.people.plans import Draft, Search
from casava_os.forge.people.shell import Word
from casava_os.kernel.compiler.tagged import SurfaceValue

STDIN = r"standard input|stdin|std in|piped? input|the input|input"


def operands(draft: Draft, words: Sequence[Word], *, folders: bool = False) -> list[str | dict[str, str]]:
    """Named files as paths of the request. Raises `Unsayable` for what only the shell knows."""
    found: list[str | dict[str, str]] = []
    for word in words:
        if word.live:
            raise Unsayable("a pattern among file names")
        path = draft.said.path(word.text, "a file")
        found.append(path)
        (draft.needs.folders if folders else draft.needs.files).append(word.text)
    if len({str(one) for one in found}) != len(found):
        raise Unsayable("the same file twice")
    return found


def text(draft: Draft, words: Sequence[Word]) -> SurfaceValue:
    """The `source` of a call on text, from operands or from what came before."""
    words = [word for word in words if word.text != "-"]
    if len(words) == 1 and words[0].live:
        return shell_pattern(draft, words[0])
    if words:
        return operands(draft, words)
    if draft.pending is not None:
        pending, draft.pending = draft.pending, None
        return pending
    if draft.calls:
        if draft.gives in ("done", "nothing", "facts"):
            raise Unsayable("a pipe from what gives no text")
        return draft.last
    draft.said.need("standard input", STDIN)
    draft.needs.stdin = True
    return "$0"


def shell_pattern(draft: Draft, word: Word) -> str:
    """`*.txt` as an operand: a search of this directory only, if the request says so. Returns its reference."""
    folder, slash, pattern = word.text.rpartition("/")
    if slash and ("*" in folder or not folder):
        raise Unsayable("a pattern of directories")
    draft.said.need("max_depth 1", ONLY_HERE)
    fields = naming.fields(draft.said, [pattern])
    if folder and (root := draft.said.path(folder, "the searched directory")) != ".":
        fields["root"] = root
    if draft.said.files and "extension" not in fields:
        fields["type"] = "file"
    draft.needs.searches.append(Search(root=folder or ".", names=[pattern]))
    return draft.add("file.find", "files", **fields, max_depth=1)


def saved(draft: Draft, path: Word, *, appends: bool) -> None:
    """What the last call gave goes into a file."""
    if draft.pending is not None:
        pending, draft.pending = draft.pending, None
        if len(pending) > 1 and not appends:
            draft.add(
                "idiom.join_files", "done", paths=pending, to=draft.said.path(path.text, "the file to write")
            )
            return
        draft.add("file.read", "text", paths=pending)
    if draft.gives not in ("files", "text", "matches", "number", "table", "facts"):
        raise Unsayable("a redirection of what gives no text")
    how = None
    if appends:
        if draft.said.has("append(?:s|ing|ed)?|add(?:s|ing|ed)? (?:it|them|to|the)"):
            how = "append"
            draft.needs.files.append(path.text)
        elif draft.said.has("end of"):
            raise Unsaid("append")
    draft.add(
        "file.write",
        "done",
        path=draft.said.path(path.text, "the file to write"),
        content=draft.last,
        how=how,
    )


def target(draft: Draft, words: Sequence[Word]) -> SurfaceValue:
    """Named files, or one pattern of the shell."""
    if len(words) == 1 and words[0].live:
        return shell_pattern(draft, words[0])
    return operands(draft, words)


def alone(draft: Draft) -> None:
    """Raises `Unsayable` for a command that reads nothing and yet stands in a pipe."""
    if draft.calls or draft.pending is not None:
        raise Unsayable("a command that reads no pipe, in a pipe")
