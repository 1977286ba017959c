"""The store of memory: the ledger and the index of vectors, opened when first used, mended when they are found damaged.

A damaged file is put aside, never thrown away, and the ledger is made again from the journal (`remake`); a damaged index is
made again from the ledger. What the person should hear of that is a notice.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from casava_os.memory.faults import MemoryFaultError, fault
from casava_os.memory.ledger import Ledger
from casava_os.memory.ports import EVERYTHING, Candidate, Embedder, Entry, Filter, LoadEmbedder, Vector
from casava_os.memory.vectors import BusyError, Progress, Vectors
from casava_os.paths import private_dir

_LOG = logging.getLogger(__name__)
T = TypeVar("T")

LEDGER = "ledger.sqlite"
ASIDE = "damaged"
"""Folder with what was put aside."""

Remake = Callable[[Ledger], int]
"""Puts all that the journal knows into an empty ledger; how many entries."""


def _nothing(_ledger: Ledger) -> int:
    return 0


def _no_embedder() -> Embedder | None:
    return None


class MemoryStore:
    """Entries in a directory (`ports.Store`). Nothing is made or opened before the first use. Any thread."""

    def __init__(
        self, root: Path, load_embedder: LoadEmbedder = _no_embedder, remake: Remake = _nothing
    ) -> None:
        self.root = root
        self.notices: list[str] = []
        """What the person should hear, a sentence each."""
        self.progress: Progress | None = None
        """Is told how far it is when a search has much to embed first."""
        self._load_embedder = load_embedder
        self._remake = remake
        self._embedder: Embedder | None = None
        self._embedder_known = False
        self._open: tuple[Ledger, Vectors] | None = None
        self._turn = threading.RLock()

    @property
    def exists(self) -> bool:
        """Whether anything was ever remembered here."""
        return (self.root / LEDGER).exists()

    # ------------------------------------------------------------------------------------------ writing

    def put(self, entries: Iterable[Entry]) -> None:
        """Keeps entries, all or none."""
        kept = list(entries)
        self._do(lambda ledger: ledger.put(kept))

    def drop(self, ids: Sequence[str], *, files: Iterable[str] = ()) -> int:
        """Removes entries, and all of these files, without a trace: in ledger, word index, vectors, logs, copies put aside."""
        paths = list(files)
        with self._turn:
            removed = self._do(lambda ledger: ledger.drop(ids) + len(ledger.drop_documents(paths)))
            ledger, vectors = self._parts()
            if any(self.root.glob("index-*")):
                vectors.remove()
            with suppress(FileNotFoundError):
                shutil.rmtree(self.root / ASIDE)
            ledger.scrub()
            return removed

    def put_document(self, path: str, entries: Sequence[Entry], stamp: str) -> None:
        """Keeps exactly these passages of a file, and the stamp that it had."""
        self._without_vectors(self._do(lambda ledger: ledger.put_document(path, entries, stamp)))

    def drop_documents(self, paths: Sequence[str]) -> int:
        """Removes the passages of files that are there no more; how many there were."""
        gone = self._do(lambda ledger: ledger.drop_documents(paths))
        self._without_vectors(gone)
        return len(gone)

    def stamps(self, folder: str) -> dict[str, str]:
        """The files below a folder that were read, each with the stamp it had then."""
        return self._do(lambda ledger: ledger.stamps(folder)) if self.exists else {}

    def _without_vectors(self, ids: Sequence[str]) -> None:
        if ids and any(self.root.glob("index-*")):
            self._vectors(lambda vectors: vectors.drop("documents", ids))

    def replace(self, pid: int, entries: Iterable[Entry]) -> None:
        """Keeps exactly these entries of a process. What stays away is removed, with its vector when it had one."""
        kept = list(entries)
        here = {entry.id for entry in kept}

        def work(ledger: Ledger) -> None:
            gone = [entry.id for entry in ledger.of_pid(pid) if entry.id not in here]
            if gone:
                ledger.drop(gone)
            ledger.put(kept)

        self._do(work)

    def remake(self) -> int:
        """Makes the ledger again from the journal; what does not come from there (documents, what was imported) stays."""
        kept = [entry for entry in self._do(lambda ledger: list(ledger.entries())) if entry.pid == 0]
        self._put_aside(keep=False)
        return self._do(lambda ledger: self._remake_into(ledger, kept))

    def _remake_into(self, ledger: Ledger, kept: list[Entry]) -> int:
        ledger.put(kept)
        return self._remake(ledger)

    def index(self, progress: Progress | None = None) -> bool:
        """Embeds and indexes what is not yet; False without an embedder, or while another program does."""
        embedder = self.embedder()
        if embedder is None:
            return False
        try:
            self._vectors(lambda vectors: vectors.catch_up(embedder, progress))
        except BusyError:
            return False
        return True

    # ------------------------------------------------------------------------------------------ reading

    def count(self, wanted: Filter = EVERYTHING) -> int:
        return self._do(lambda ledger: ledger.count(wanted)) if self.exists else 0

    def get(self, ids: Iterable[str]) -> list[Entry]:
        """Those that are there, in the order of the ids."""
        wanted = list(ids)
        return self._do(lambda ledger: ledger.get(wanted)) if self.exists else []

    def of_key(self, key: str) -> list[Entry]:
        """Proven plans under a key, the newest first."""
        return self._do(lambda ledger: ledger.of_key(key)) if self.exists else []

    def pids(self) -> frozenset[int]:
        """The processes that something comes from."""
        return self._do(lambda ledger: ledger.pids()) if self.exists else frozenset()

    def entries(self, wanted: Filter = EVERYTHING, *, limit: int | None = None) -> Iterator[Entry]:
        """All that are meant, the newest first."""
        if self.exists:
            yield from self._do(lambda ledger: list(ledger.entries(wanted, limit=limit)))

    def texts(self, wanted: Filter = EVERYTHING) -> Iterator[tuple[str, str]]:
        """(id, text) of all that are meant, the newest first."""
        if self.exists:
            yield from self._do(lambda ledger: list(ledger.texts(wanted)))

    def lexical(
        self, words: Sequence[str], wanted: Filter = EVERYTHING, *, limit: int = 50
    ) -> list[Candidate]:
        """Entries that have any of the words, by BM25, the best first."""
        return self._do(lambda ledger: ledger.lexical(words, wanted, limit=limit)) if self.exists else []

    def dense(self, vector: Vector, wanted: Filter = EVERYTHING, *, limit: int = 50) -> list[Candidate]:
        """Entries nearest to a vector, the nearest first; none while another program has the index."""
        embedder = self.embedder()
        if embedder is None or not self.exists:
            return []
        try:
            near = self._vectors(
                lambda vectors: vectors.nearest(embedder, vector, wanted, limit, self.progress)
            )
        except BusyError:
            _LOG.info("another program has the index: words alone are searched")
            return []
        scores = dict(near)
        return [Candidate(entry, scores[entry.id]) for entry in self.get(scores)]

    def exact(
        self, query: str, wanted: Filter, *, limit: int = 50, most: int = 4_000
    ) -> list[Candidate] | None:
        """Entries nearest to a text, of the newest `most`, without the index; None without an embedder.

        For few entries that are wanted soon: what the index takes to open is more than to look at them all.
        """
        embedder = self.embedder()
        if embedder is None or not self.exists:
            return None if embedder is None else []
        import numpy as np

        digest = embedder.digest
        fresh = self._do(lambda ledger: ledger.unembedded(digest, 64, wanted))
        if fresh:
            made = embedder.embed([text for _, text in fresh])
            pairs = [(number, vector) for (number, _), vector in zip(fresh, made, strict=True)]
            self._do(lambda ledger: ledger.put_vectors(digest, pairs))
        held = self._do(lambda ledger: ledger.vectors(digest, wanted, most))
        if not held:
            return []
        table = np.frombuffer(b"".join(vector for _, vector in held), dtype="<f4").reshape(len(held), -1)
        scores = table @ np.asarray(embedder.embed([query])[0], dtype=np.float32)
        near = {held[int(row)][0]: float(scores[row]) for row in np.argsort(-scores, kind="stable")[:limit]}
        return [Candidate(entry, near[entry.id]) for entry in self.get(near)]

    def embedder(self) -> Embedder | None:
        """The embedder in force, loaded once."""
        with self._turn:
            if not self._embedder_known:
                self._embedder, self._embedder_known = self._load_embedder(), True
            return self._embedder

    def meta(self, key: str) -> str:
        """A note; empty when there is none."""
        return self._do(lambda ledger: ledger.meta(key)) if self.exists else ""

    def note(self, key: str, value: str) -> None:
        """Makes a note."""
        self._do(lambda ledger: ledger.note(key, value))

    def whole(self) -> bool:
        """Whether the ledger is what was written. Reads all of it."""
        return not self.exists or self._do(lambda ledger: ledger.whole())

    def bytes(self) -> int:
        """Of all files of memory."""
        return sum(path.stat().st_size for path in self.root.rglob("*") if path.is_file())

    def close(self) -> None:
        """Safe to call twice."""
        with self._turn:
            if self._open is not None:
                ledger, vectors = self._open
                self._open = None
                vectors.close()
                ledger.close()
            if self._embedder is not None:
                self._embedder.close()
            self._embedder, self._embedder_known = None, False

    # ------------------------------------------------------------------------------------------ inside

    def _parts(self) -> tuple[Ledger, Vectors]:
        with self._turn:
            if self._open is None:
                ledger = Ledger.open(self.root / LEDGER)
                self._open = ledger, Vectors(self.root, ledger)
            return self._open

    def _do(self, work: Callable[[Ledger], T]) -> T:
        """The result of work on the ledger, which is mended once when it is found damaged."""
        with self._turn:
            try:
                return work(self._parts()[0])
            except MemoryFaultError as problem:
                if not problem.damaged:
                    raise
                _LOG.warning("memory is damaged: %s", problem)
            made = self._put_aside(keep=True)
            where = self.root / ASIDE
            self.notices.append(
                f"Memory was damaged: its files were put aside in {where}, and {made} entries were made again from the journal and from what was imported."
            )
            return work(self._parts()[0])

    def _put_aside(self, *, keep: bool) -> int:
        """Puts the ledger and its index aside (or, with `keep` false, away), and makes a new one from the journal."""
        opened = self._open
        ours = _inode(self.root / LEDGER)
        with self._alone():
            if opened is not None:
                opened[1].close()
                opened[0].close()
                self._open = None
            if keep and ours != _inode(self.root / LEDGER):
                return 0  # another program was faster
            files = [path for path in self.root.iterdir() if path.name.startswith((LEDGER, "index-"))]
            if keep:
                aside = self.root / ASIDE / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
                private_dir(aside)
                for path in files:
                    path.replace(aside / path.name)
                return self._remake(self._parts()[0])
            for path in files:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            return 0

    def _vectors(self, work: Callable[[Vectors], T]) -> T:
        """The result of work on the index, which is made again once when it is found damaged."""
        with self._turn:
            self._do(lambda ledger: ledger.epoch())
            vectors = self._parts()[1]
            try:
                return work(vectors)
            except (BusyError, MemoryFaultError):
                raise
            except Exception as problem:  # noqa: BLE001 - Chroma's edge: whatever its files make it raise
                _LOG.warning("the index of vectors is damaged: %s", problem)
            except BaseException as problem:
                if type(problem).__name__ != "PanicException":  # how Chroma's inside fails on damaged files
                    raise
                _LOG.warning("the index of vectors is damaged: %s", problem)
            vectors.remove()
            self.notices.append("The index of memory was damaged, and was made again.")
            return work(vectors)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            private_dir(self.root)
            descriptor = os.open(self.root / "ledger.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise fault(self.root, problem) from problem
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
