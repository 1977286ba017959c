"""`memory`: what is remembered, for the person whose memory it is: look, add, forget, take along."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from casava_os.cli import documents
from casava_os.cli.options import Json, Workspace

if TYPE_CHECKING:
    from casava_os.cli.follow import Front
    from casava_os.memory.ports import Candidate, Entry, Filter
    from casava_os.memory.service import Remembrance
    from casava_syscalls.results import Result
    from casava_syscalls.values import Cell

T = TypeVar("T")

app = typer.Typer(
    help="What is remembered of past requests: search it, add to it, forget it, take it along.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Kind = Annotated[
    Literal["episodes", "facts", "plans", "documents"] | None,
    typer.Option("--kind", "-k", help="Only of this kind.", show_default=False),
]
Most = Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most so many.")]
Here = Annotated[bool, typer.Option("--here", help="Only of this workspace.")]
Since = Annotated[
    str | None, typer.Option("--newer-than", metavar="TIME", help="Such as '2 weeks'.", show_default=False)
]
Ids = Annotated[list[str], typer.Argument(metavar="ID…", show_default=False)]


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", show_default=False)],
    kind: Kind = None,
    limit: Most = 5,
    here: Here = False,
    newer_than: Since = None,
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """Find what is remembered about something, the most relevant first."""
    front = _front(json)

    def work(memory: Remembrance) -> Result[list[Candidate]]:
        wanted = _filter(front, kind, newer_than, here, workspace)
        return memory.search(" ".join(words), wanted, limit=limit, workspace=_here(workspace))

    return _show(front, with_memory(front, work), lambda found: [one.entry for one in found])


@app.command("list")
def list_entries(
    kind: Kind = None,
    limit: Most = 20,
    here: Here = False,
    newer_than: Since = None,
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """List what is remembered, the newest first."""
    front = _front(json)
    found = with_memory(
        front, lambda memory: memory.listed(_filter(front, kind, newer_than, here, workspace), limit=limit)
    )
    return _show(front, found, lambda entries: entries)


@app.command()
def show(entry: Annotated[str, typer.Argument(metavar="ID", show_default=False)], json: Json = False) -> int:
    """Show all that an entry holds, and where it comes from."""
    from casava_syscalls.results import Err

    front = _front(json)
    found = with_memory(front, lambda memory: memory.guarded(lambda: memory.store.get([entry])))
    if isinstance(found, Err):
        return front.fail(found)
    if not found.value:
        return front.fail(
            Err(
                code="not-found",
                title=f"There is no entry {entry}",
                message="memory has none of that id",
                hint="casava-os memory list shows them",
            )
        )
    if json:
        return _show(front, found, lambda entries: entries)
    front.output.rows(_facts(found.value[0]))
    return 0


@app.command()
def remember(
    words: Annotated[list[str], typer.Argument(metavar="TEXT", show_default=False)],
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """Keep a fact. What looks like a secret is taken out first."""
    from casava_os.cli.follow import Front, RunChoices
    from casava_os.memory.secrets import redact
    from casava_syscalls.memory import Remember
    from casava_syscalls.plan import Plan, parse_call
    from casava_syscalls.results import Err

    front = Front(json=json, terse=True)
    call = parse_call({"call": "memory.remember", "text": redact(" ".join(words))})
    if isinstance(call, Err):
        return front.fail(call)
    assert isinstance(call.value, Remember)
    return front.apply(Plan(steps=(call.value,)), RunChoices(workspace=workspace, yes=True))


@app.command()
def forget(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID…]", show_default=False)] = None,
    about: Annotated[
        str | None,
        typer.Option(
            "--about", metavar="WORDS", help="All that has every one of these words.", show_default=False
        ),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="TIME", help="Such as '90 days'.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="All there is.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> int:
    """Forget entries, everywhere in memory and without a trace of them there."""
    from casava_os.memory.service import FORGET_LEAVES
    from casava_syscalls.results import Err, Ok

    front = _front(json)
    chosen = [bool(ids), about is not None, older_than is not None, everything]
    if sum(chosen) != 1:
        message = "name entries by their ids, or one of --about, --older-than and --everything"
        return front.fail(Err(code="usage", title="What should be forgotten?", message=message))

    until = None if older_than is None else _before(front, older_than)
    indexed: list[str] = []

    def work(memory: Remembrance) -> Result[int | None]:
        if ids:
            found = memory.guarded(lambda: memory.store.get(ids))
        else:
            found = memory.about(about) if about is not None else memory.listed(_old(until))
        if isinstance(found, Err):
            return found
        if ids and (missing := sorted(set(ids) - {entry.id for entry in found.value})):
            title, hint = f"There is no entry {', '.join(missing)}", "casava-os memory list shows them"
            return Err(code="not-found", title=title, message="nothing was forgotten", hint=hint)
        if found.value and not yes and (answer := _approved(front, found.value)) is not True:
            return answer
        ids_found = [entry.id for entry in found.value]
        indexed.extend(one.source for one in found.value if one.collection == "documents")
        done = memory.forget_all() if everything else memory.forget(ids_found) if ids_found else Ok(value=0)
        return done if isinstance(done, Err) else Ok(value=done.value)

    result = with_memory(front, work)
    if isinstance(result, Err):
        return front.fail(result)
    count = result.value
    if count is None:
        front.screen.note("Nothing was forgotten.")
        return 3
    front.output.text(f"{count}")
    if count:
        front.screen.note(f"{count} {'entry' if count == 1 else 'entries'} forgotten. {FORGET_LEAVES}")
        if indexed and not everything:
            files = len(set(indexed))
            front.screen.note(
                f"Of the indexed folders {files} {'file is' if files == 1 else 'files are'} left out from now on."
                " The files themselves are as they were; to unindex a folder and index it again takes them in."
            )
    else:
        front.screen.note("Nothing fits: nothing was forgotten.")
    return 0


def _approved(front: Front, entries: list[Entry]) -> Result[int | None] | Literal[True]:
    """True when the person says yes; else how the command ends."""
    from casava_syscalls.results import Err, Ok

    if not front.screen.interactive:
        message = f"{len(entries)} entries would be forgotten for good; nothing was"
        return Err(code="approval-needed", title="Approval is needed", message=message, hint="add --yes")
    for entry in entries[:20]:
        front.screen.line(f"{entry.id}\t", _line(entry))
    if len(entries) > 20:
        front.screen.line(f"… and {len(entries) - 20} more")
    return True if _asked(front, f"Forget {len(entries)} entries for good?") else Ok(value=None)


@app.command()
def export(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write it there.  [default: stdout]", show_default=False
        ),
    ] = None,
    kind: Kind = None,
) -> int:
    """Write all that is remembered as JSON, an entry a line."""
    from casava_os.memory.exchange import lines_of
    from casava_os.memory.ports import Filter
    from casava_os.paths import write_private
    from casava_syscalls.results import Err

    front = _front(False)
    found = with_memory(front, lambda memory: memory.listed(Filter((kind,)) if kind else Filter()))
    if isinstance(found, Err):
        return front.fail(found)
    text = "".join(lines_of(found.value))
    if output is None or str(output) == "-":
        front.output.text(text)
        return 0
    try:
        write_private(output, text.encode("utf-8", "surrogatepass"))
    except OSError as problem:
        message = problem.strerror or str(problem)
        return front.fail(Err(code="failed", title=f"{output} cannot be written", message=message))
    front.screen.note(f"{len(found.value)} entries written, readable for you alone.")
    return 0


@app.command("import")
def import_entries(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="What `export` wrote, or -.", show_default=False)
    ],
    json: Json = False,
) -> int:
    """Take in what `export` wrote. It counts as a file's text: it is found and shown, and never used as a plan."""
    from casava_os.memory.exchange import entries_of_lines
    from casava_syscalls.results import Err

    front = _front(json)
    if source == "-":
        read = front.read_stdin()
        if isinstance(read, Err):
            return front.fail(read)
        text = read.value
    else:
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            return front.fail(Err(code="usage", title=f"{source} cannot be read", message=str(problem)))
    entries = entries_of_lines(text, source)
    if isinstance(entries, Err):
        return front.fail(entries)
    done = with_memory(front, lambda memory: memory.put(entries.value))
    if isinstance(done, Err):
        return front.fail(done)
    front.output.text(str(done.value))
    return 0


@app.command()
def stats(json: Json = False) -> int:
    """How much is remembered, of what, and how."""
    from casava_os.memory.ports import COLLECTIONS, Filter
    from casava_syscalls.results import Err
    from casava_syscalls.values import Facts

    front = _front(json)

    def work(memory: Remembrance) -> Result[Facts]:
        def read() -> Facts:
            memory.settle()
            store = memory.store
            counts: dict[str, Cell] = {name: store.count(Filter((name,))) for name in COLLECTIONS}
            oldest = min((entry.time for entry in store.entries()), default=None)
            embedder = store.embedder()
            folders = memory.documents.folders()
            return Facts(
                items={
                    **counts,
                    "indexed_folders": ", ".join(folders) or None,
                    "oldest": _when(oldest) if oldest is not None else None,
                    "bytes": store.bytes() if store.exists else 0,
                    "whole": store.whole(),
                    "search": "by meaning and by words"
                    if embedder is not None
                    else "by words alone: no embedding model",
                    "embedding_model": embedder.digest[:16] if embedder is not None else None,
                    "place": str(store.root),
                }
            )

        return memory.guarded(read)

    found = with_memory(front, work)
    if isinstance(found, Err):
        return front.fail(found)
    if json:
        front.output.json(found.value)
    else:
        front.output.text(found.value.render())
    return 0


@app.command()
def rebuild(json: Json = False) -> int:
    """Make memory again from the journal. What was imported or indexed stays; what was forgotten stays forgotten."""
    from casava_syscalls.results import Err

    front = _front(json)
    done = with_memory(front, lambda memory: memory.remake())
    if isinstance(done, Err):
        return front.fail(done)
    front.output.text(str(done.value))
    return 0


documents.register(app)


# ------------------------------------------------------------------------------------------------ parts


def _front(json: bool) -> Front:
    from casava_os.cli.follow import Front

    return Front(json=json)


def with_memory(front: Front, work: Callable[[Remembrance], Result[T]]) -> Result[T]:
    """The value of work on memory; what was found wrong with its files is told."""
    from casava_os.boot import open_memory
    from casava_syscalls.results import Err

    opened = open_memory()
    if isinstance(opened, Err):
        return opened
    memory = opened.value
    memory.store.progress = documents.bar(front, "Embedding")
    try:
        result = work(memory)
        front.screen.settle()
        for sentence in dict.fromkeys(memory.store.notices):
            front.screen.warning(sentence)
    finally:
        memory.close()
        memory.journal.close()
    return result


def _filter(
    front: Front, kind: str | None, newer_than: str | None, here: bool, workspace: Path | None
) -> Filter:
    import time

    from casava_os.memory.ports import COLLECTIONS, Filter

    collections = tuple(name for name in COLLECTIONS if kind is None or name == kind)
    since = None if newer_than is None else time.time() - _seconds(front, newer_than)
    return Filter(collections, _here(workspace) if here else None, since)


def _old(until: float | None) -> Filter:
    """What is older; texts of files are not, however old the file: they are what it says now."""
    from casava_os.memory.ports import COLLECTIONS, Filter

    if until is None:
        return Filter()
    return Filter(tuple(name for name in COLLECTIONS if name != "documents"), until=until)


def _before(front: Front, older_than: str) -> float:
    import time

    return time.time() - _seconds(front, older_than)


def _seconds(front: Front, text: str) -> float:
    from casava_os.cli.quantities import seconds_of
    from casava_syscalls.results import Err

    found = seconds_of(text)
    if isinstance(found, Err):
        raise typer.Exit(front.fail(found))
    return found.value


def _here(workspace: Path | None) -> str:
    from casava_os.cli.follow import workspace_path
    from casava_os.kernel.life import real, text_of
    from casava_syscalls.results import Err

    where = workspace_path(workspace)
    return "" if isinstance(where, Err) else text_of(real(where.value))


def _show(front: Front, found: Result[T], entries: Callable[[T], list[Entry]]) -> int:
    """Writes entries, one a line."""
    from casava_syscalls.results import Err

    if isinstance(found, Err):
        return front.fail(found)
    listed = entries(found.value)
    if front.json:
        from casava_os.memory.exchange import lines_of

        front.output.text("".join(lines_of(listed)))
    else:
        front.output.rows([(one.id, _when(one.time), _line(one)) for one in listed])
        if not listed:
            front.screen.note("Nothing is remembered that fits.")
    return 0


def _line(entry: Entry) -> str:
    text = " ".join(entry.text.split())
    text = text if len(text) <= 200 else text[:199] + "…"
    marks = [entry.source] if entry.collection == "documents" and entry.source else []
    if entry.tainted:
        marks.append("from untrusted text")
    state = str(entry.payload.get("state", ""))
    marks += [state] if state not in ("", "done", "committed") else []
    return f"{text} [{', '.join(marks)}]" if marks else text


def _when(at: float) -> str:
    import time

    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _facts(entry: Entry) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = [
        ("id", entry.id),
        ("kind", entry.collection.removesuffix("s")),
        ("when", _when(entry.time)),
        ("workspace", entry.workspace),
        ("process", entry.pid or None),
        ("from", f"the {entry.provenance}" + (f": {entry.source}" if entry.source else "")),
        (
            "used as instruction",
            "no: untrusted text has a part in it" if not entry.trusted else "yes, if asked again",
        ),
        ("text", entry.text),
    ]
    lines = entry.payload.get("lines")
    for number, line in enumerate(lines if isinstance(lines, list) else (), 1):
        rows.append((f"step {number}", str(line)))
    told = ("line", "state", "changes", "failed", "model")
    return rows + [(name, str(entry.payload[name])) for name in told if entry.payload.get(name)]


def _asked(front: Front, question: str) -> bool:
    import asyncio

    return asyncio.run(front.screen.ask(question, offers="yn")) == "yes"
