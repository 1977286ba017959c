"""Memory as the kernel, the command line and the shell use it: kept from the journal, recalled, forgotten, made again.

Nothing is lost with the ledger: requests and facts come from the journal, documents from their files, and what was imported
has a file of its own. What is forgotten is noted in the journal by number, without a word of it: made again, memory leaves it out. The
journal itself is a chain of hashes that nothing can be taken out of; `FORGET_LEAVES` says so to the person.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from casava_os.kernel.compiler import alike as likeness
from casava_os.kernel.journal import Journal, JournalError
from casava_os.kernel.ports import Example, Recalled
from casava_os.kernel.process import ENDED
from casava_os.memory.documents import Documents
from casava_os.memory.episodes import FORGOTTEN, entries_of
from casava_os.memory.faults import MemoryFaultError
from casava_os.memory.imported import Imported
from casava_os.memory.ledger import Ledger
from casava_os.memory.ports import EVERYTHING, Candidate, Entry, Filter, Retrieve, Store
from casava_os.memory.retrieval import words
from casava_os.memory.store import MemoryStore
from casava_syscalls.names import fs_path
from casava_syscalls.plan import parse_plan
from casava_syscalls.results import Err, Ok, Result

T = TypeVar("T")

FORGET_LEAVES = (
    "The journal still has what was asked and done: it is a chain of hashes that nothing can be taken out of, so that undo and "
    "`casava-os verify` can rely on it. The shell's history of typed lines is a file of its own, too."
)
PRUNE_EVERY = 64
"""Processes from one look for entries whose time is over to the next."""
ALIKE = 0.3
"""Cosine similarity from which a request is like another: an example of something else misleads a model. Of pairs tried by hand,
those of one kind with other names had 0.26 to 0.9, those of different kinds 0.12 at most."""
SEARCH_SECONDS = 2.0
"""How long a search reads changed files before it searches."""
RECENT = 500
"""How many ended processes are looked at for ones that a killed program did not hand on."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is remembered. Facts and documents stay until they are forgotten by hand."""

    days: float | None = None
    """Episodes and plans older than this go; None: none does."""
    entries: int = 100_000
    """Most episodes; the oldest go first."""


def by_words(store: Store, query: str, wanted: Filter, limit: int, workspace: str) -> list[Candidate]:  # noqa: ARG001
    """What has the most telling words of the query: all there is without an embedding model."""
    return store.lexical(query.split()[:64], wanted, limit=limit)


@dataclass(slots=True)
class Remembrance:
    """The kernel's `Memory`, over a store and the journal. Any thread."""

    store: MemoryStore
    journal: Journal
    retention: Retention = field(default_factory=Retention)
    retrieve: Retrieve = by_words
    documents: Documents = field(init=False)
    """The folders that the person had indexed."""
    besides: tuple[Path, ...] = ()
    """Folders that are never indexed."""
    imported: Imported = field(init=False)

    def __post_init__(self) -> None:
        self.documents = Documents(self.store, self.besides)
        self.imported = Imported(self.store.root)

    # ------------------------------------------------------------------------------------------ the kernel's side

    def keep(self, pid: int) -> Err | None:
        """Remembers a process that has ended, or whose end has changed. Blocking."""

        def work() -> None:
            entries = entries_of(self.journal, pid)
            if entries or self.store.exists:
                self.store.replace(pid, entries)
            if pid % PRUNE_EVERY == 0:
                self._prune()

        done = self.guarded(work)
        return done if isinstance(done, Err) else None

    def proven(self, request: str, workspace: str, *, reads_stdin: bool) -> Recalled | None:
        """The plan that was proven for a request like this one in this workspace, its arguments read again."""
        if not self.store.exists:
            return None

        def look() -> Recalled | None:
            from datetime import datetime

            found = likeness.tokens(request)
            for entry in self.store.of_key(likeness.key(found, reads_stdin=reads_stdin)):
                how = likeness.Pattern.of_payload(entry.payload)
                old = parse_plan(entry.payload.get("plan"))
                if how is None or isinstance(old, Err) or entry.workspace != workspace or not entry.trusted:
                    continue
                plan = likeness.again(old.value, how, request, datetime.now())  # noqa: DTZ005 - local time is what people mean
                if plan is not None:
                    model = str(entry.payload.get("model", ""))
                    return Recalled(json.loads(plan.canonical()), entry.pid, entry.text, model)
            return None

        found = self.guarded(look)
        return found.value if isinstance(found, Ok) else None

    def alike(
        self, request: str, workspace: str, *, since: float | None, until: float | None, limit: int = 3
    ) -> tuple[int, ...]:
        """Processes that did something like this, the most alike first."""
        wanted = Filter(("episodes",), workspace, since, until, trusted=True)
        found = self.guarded(lambda: self.retrieve(self.store, request, wanted, limit, workspace))
        return tuple(one.entry.pid for one in found.value) if isinstance(found, Ok) else ()

    def examples(self, request: str, workspace: str, *, limit: int) -> tuple[Example, ...]:
        """Proven plans of requests in this workspace that are like this one, the most alike first, each plan once."""
        if not self.store.exists:
            return ()
        wanted = Filter(("plans",), workspace, trusted=True)

        def look() -> list[Candidate]:
            near = self.store.exact(request, wanted, limit=4 * limit)
            if near is None:  # words alone; whoever shares one that tells
                return self.store.lexical(words(request), wanted, limit=4 * limit)
            return [one for one in near if one.score >= ALIKE]

        found = self.guarded(look)
        made: dict[str, Example] = {}
        for entry in [one.entry for one in found.value] if isinstance(found, Ok) else []:
            plan = parse_plan(entry.payload.get("plan"))
            if isinstance(plan, Ok):
                steps = tuple(json.loads(plan.value.canonical())["steps"])
                one = Example(entry.text, steps, entry.pid, plan.value.reads_stdin)
                made.setdefault(json.dumps(steps), one)
        return tuple(made.values())[:limit]

    def close(self) -> None:
        """Safe to call twice."""
        self.store.close()

    # ------------------------------------------------------------------------------------------ the person's side

    def search(
        self, query: str, wanted: Filter = EVERYTHING, *, limit: int = 5, workspace: str = ""
    ) -> Result[list[Candidate]]:
        """What is remembered about something, the most relevant first."""

        def work() -> list[Candidate]:
            self.settle()
            self._look_at_documents(wanted)
            return self.retrieve(self.store, query, wanted, limit, workspace) if self.store.exists else []

        return self.guarded(work)

    def listed(self, wanted: Filter = EVERYTHING, *, limit: int | None = None) -> Result[list[Entry]]:
        """What is remembered, the newest first."""

        def work() -> list[Entry]:
            self.settle()
            self._look_at_documents(wanted)
            return list(self.store.entries(wanted, limit=limit))

        return self.guarded(work)

    def about(self, topic: str) -> Result[list[Entry]]:
        """Entries that have every word of a topic: what forgetting it means, no more and no less."""
        words = [word.casefold() for word in topic.split()]
        return self.guarded(
            lambda: [
                entry
                for entry in self.store.entries()
                if words and all(word in f"{entry.text}\n{entry.source}".casefold() for word in words)
            ]
        )

    def forget(self, ids: Sequence[str]) -> Result[int]:
        """Removes entries from everywhere in memory, and notes that they do not come back; how many there were.

        With a passage all of its file goes, which is left out of its folder from then on.
        """

        def work() -> int:
            self.settle()
            entries = self.store.get(ids)
            # An episode and the plan that it proved say the same: one is not forgotten while the other stays.
            twins = [one.id[1:] for one in entries if one.collection in ("episodes", "plans")]
            every = dict.fromkeys([entry.id for entry in entries])
            every |= dict.fromkeys(one.id for one in self.store.get([f"{k}{n}" for n in twins for k in "ep"]))
            for entry in self.store.get(every):
                if entry.pid:
                    self.journal.record(entry.pid, FORGOTTEN, json.dumps({"ids": [entry.id]}))
            self.imported.remove(list(every))
            files = self.documents.forgotten(entries)
            return self.store.drop(list(every), files=files) if every else 0

        return self.guarded(work)

    def forget_all(self) -> Result[int]:
        """Forgets everything, and takes every folder off the list of those that are indexed; how many entries there were."""

        def unindex() -> int:
            gone = (self.documents.unindex(Path(fs_path(one))) for one in self.documents.folders())
            return sum(done.value for done in gone if isinstance(done, Ok))

        removed = self.guarded(unindex)
        left = removed if isinstance(removed, Err) else self.listed()
        if isinstance(left, Err) or isinstance(removed, Err):
            return left if isinstance(left, Err) else removed
        done = self.forget([entry.id for entry in left.value]) if left.value else Ok(value=0)
        return done if isinstance(done, Err) else Ok(value=removed.value + done.value)

    def put(self, entries: Sequence[Entry]) -> Result[int]:
        """Keeps entries that come from elsewhere (an import); they are not in the journal, and have no process."""

        def work() -> int:
            self.imported.add(entries)
            self.store.put(entries)
            return len(entries)

        return self.guarded(work)

    def remake(self) -> Result[int]:
        """Makes memory again from the journal; how many entries there are then."""

        def work() -> int:
            self.store.remake()
            self._prune()
            return self.store.count()

        return self.guarded(work)

    def settle(self) -> None:
        """Remembers what ended and was not handed on, because its program was killed. May raise what the parts raise."""
        rows = self.journal.processes(limit=RECENT, states=tuple(ENDED))
        if not rows:
            return
        known, mark = self.store.pids(), int(self.store.meta("settled") or 0)
        newest = max(row.pid for row in rows)
        for row in rows:
            if row.pid > mark and row.pid not in known:
                entries = entries_of(self.journal, row.pid)
                if entries:
                    self.store.replace(row.pid, entries)
        if newest > mark and self.store.exists:
            self.store.note("settled", str(newest))

    def guarded(self, work: Callable[[], T]) -> Result[T]:
        """The value of work on memory, or why it cannot be done."""
        try:
            return Ok(value=work())
        except MemoryFaultError as problem:
            return problem.err
        except JournalError as problem:
            return problem.err

    def _prune(self) -> None:
        """Forgets what is older than the person wants it kept."""
        gone: list[str] = []
        if self.retention.days is not None:
            until = time.time() - self.retention.days * 86_400
            gone += [entry.id for entry in self.store.entries(Filter(("episodes", "plans"), until=until))]
        episodes = list(self.store.texts(Filter(("episodes",))))
        gone += [one for one, _ in episodes[self.retention.entries :]]
        if gone:
            self.imported.remove(gone)
            self.store.drop(list(dict.fromkeys(gone)))

    def _look_at_documents(self, wanted: Filter) -> None:
        """Reads what has changed in the indexed folders, as far as there is time. A fault costs their freshness alone."""
        if "documents" not in wanted.collections:
            return
        try:
            for folder in self.documents.refresh(seconds=SEARCH_SECONDS, wait=False):
                self.store.notices += folder.notes
        except MemoryFaultError as problem:
            self.store.notices.append(str(problem))


def remaker(journal: Journal) -> Callable[[Ledger], int]:
    """Puts all that the journal knows, and all that was imported, into an empty ledger."""

    def remake(ledger: Ledger) -> int:
        imported = Imported(ledger.path.parent).entries()
        ledger.put(imported)
        made = len(imported)
        for row in reversed(journal.processes()):
            entries = entries_of(journal, row.pid)
            if entries:
                ledger.put(entries)
                made += len(entries)
        return made

    return remake
