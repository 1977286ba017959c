"""What the parts of memory know of each other: an entry, a filter, a store of entries, and what makes vectors of texts.

Retrieval ranks what a `Store` offers; the store keeps entries and finds candidates. Neither imports the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import JsonValue

Collection = Literal["episodes", "facts", "plans", "documents"]

COLLECTIONS: tuple[Collection, ...] = ("episodes", "facts", "plans", "documents")
"""Episodes: what was asked and what came of it. Facts: what the person told to remember. Plans: proven ones, by request.
Documents: passages of folders that the person wanted indexed."""

Provenance = Literal["person", "kernel", "file", "program", "network"]
"""Where an entry's text comes from. What is not the person's or the kernel's is data: it never proposes a plan."""

TRUSTED: frozenset[Provenance] = frozenset({"person", "kernel"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing remembered."""

    id: str
    """`e12` (episode of process 12), `p12` (its plan), `f9` (fact stated in process 9), `d…` (a passage)."""
    collection: Collection
    text: str
    """What is searched and shown, secrets redacted: a request, a fact, a passage."""
    workspace: str = ""
    """The directory it belongs to, as text; empty for what belongs to none."""
    time: float = 0.0
    """When it happened, seconds since the epoch, as the clock said then."""
    pid: int = 0
    """The process of the journal that it comes from; 0 for none."""
    provenance: Provenance = "person"
    source: str = ""
    """Where exactly: a file's path, a program's name."""
    tainted: bool = False
    """Text of files, programs or the network has a part in it: shown and searched, never used as an instruction."""
    payload: Mapping[str, JsonValue] = field(default_factory=dict)
    """What the collection adds: the plan, the outcome, the summary of the changeset."""

    @property
    def trusted(self) -> bool:
        """Whether a plan may be proposed from it."""
        return not self.tainted and self.provenance in TRUSTED


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are meant; every condition must hold."""

    collections: tuple[Collection, ...] = COLLECTIONS
    workspace: str | None = None
    since: float | None = None
    """Not older than this (seconds since the epoch)."""
    until: float | None = None
    """Before this."""
    trusted: bool = False
    """Only what a plan may be proposed from."""


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that may be meant, with how near it is.

    The score of `dense` is the cosine similarity (-1 to 1), that of `lexical` BM25 (greater is better).
    """

    entry: Entry
    score: float


Vector = Sequence[float]


class Embedder(Protocol):
    """Makes vectors of texts: of unit length, near for what means the same."""

    @property
    def digest(self) -> str:
        """What tells this embedder from others: vectors of another one are made again."""

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, in order. Blocking; any thread. An empty text has one, too."""

    def close(self) -> None:
        """Safe to call twice."""


LoadEmbedder = Callable[[], "Embedder | None"]
"""The embedder in force, loaded when first wanted; None when there is none: memory then works by words only."""


class Store(Protocol):
    """Where entries are kept, by whichever `casava-os`. Raises `MemoryFaultError` (`casava_os.memory.faults`) when its files fail."""

    def count(self, wanted: Filter = EVERYTHING) -> int: ...

    def get(self, ids: Iterable[str]) -> list[Entry]:
        """Those that are there, in the order of the ids."""

    def entries(self, wanted: Filter = EVERYTHING, *, limit: int | None = None) -> Iterator[Entry]:
        """All that are meant, the newest first."""

    def texts(self, wanted: Filter = EVERYTHING) -> Iterator[tuple[str, str]]:
        """(id, text) of all that are meant, the newest first; cheaper than `entries`."""

    def lexical(
        self, words: Sequence[str], wanted: Filter = EVERYTHING, *, limit: int = 50
    ) -> list[Candidate]:
        """Entries that have any of the words (or words with the same stem), by BM25, the best first. Words are plain text."""

    def dense(self, vector: Vector, wanted: Filter = EVERYTHING, *, limit: int = 50) -> list[Candidate]:
        """Entries nearest to a vector of the embedder in force, the nearest first. Empty without an embedder.

        Imports Chroma; what is not in the index yet is put there first.
        """

    def embedder(self) -> Embedder | None:
        """The embedder in force."""


class Retrieve(Protocol):
    """Ranks what a store offers for a query; `workspace` is where the person is, entries of it count more."""

    def __call__(
        self, store: Store, query: str, wanted: Filter, limit: int, workspace: str
    ) -> list[Candidate]: ...
