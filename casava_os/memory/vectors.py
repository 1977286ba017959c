"""The index of vectors: Chroma, made from the ledger, used by one `casava-os` at a time.

Chroma's persistent client is not made for several programs, so whoever asks or fills the index holds a lock on a file; who
cannot have it soon goes without (words alone still find). The index holds ids and vectors and no text. It has a number:
when something is forgotten, the whole index is removed with every byte of it, and the next one is made from the vectors
that the ledger still has, and nothing that this program's memory held besides (`scrub`). Nothing here is imported before
the first search by meaning.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from casava_os.memory.ledger import Ledger
from casava_os.memory.ports import Collection, Embedder, Filter, Vector
from casava_os.memory.scrub import clear_what_is_freed, let_go
from casava_os.paths import private_dir

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection as ChromaCollection
    from chromadb.api.types import Where

_LOG = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""How long a search waits for another program that has the index."""
BATCH = 256
"""Texts that are embedded and indexed at once."""

Progress = Callable[[int, int], None]
"""Is told (done, of so many) while many entries are embedded."""


class BusyError(Exception):
    """Another program has the index."""


class Vectors:
    """The index in a directory, over a ledger."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        self._root = root
        self._ledger = ledger
        self._client: ClientAPI | None = None
        self._held: dict[Collection, ChromaCollection] = {}
        """The collections of the open client."""
        self._whole: tuple[object, ...] = ()
        """The ledger's version, embedder and index at which nothing was left to embed or index: looking takes as long as there
        are entries."""
        self._opened: tuple[int, str] = (0, "")
        """Number of the index, and how often it had been written to, when it was opened."""

    # ------------------------------------------------------------------------------------------ use

    def nearest(
        self, embedder: Embedder, vector: Vector, wanted: Filter, limit: int, progress: Progress | None = None
    ) -> list[tuple[str, float]]:
        """(id, cosine similarity) of the entries nearest to a vector, the nearest first. Raises `BusyError`."""
        with self._alone(PATIENCE_SECONDS):
            self._catch_up(embedder, progress)
            found: list[tuple[str, float]] = []
            for collection in self._ledger.filled(wanted.collections):
                held = self._collection(collection, embedder)
                # Chroma gives fewer where there are fewer; to ask it how many takes as long as there are entries.
                answer = held.query(
                    query_embeddings=list(vector),
                    n_results=limit,
                    where=_where(wanted),
                    include=["distances"],
                )
                distances = answer["distances"]
                assert distances is not None
                found += [
                    (one, 1.0 - float(distance))
                    for one, distance in zip(answer["ids"][0], distances[0], strict=True)
                ]
        found.sort(key=lambda pair: -pair[1])
        return found[:limit]

    def catch_up(
        self, embedder: Embedder, progress: Progress | None = None, *, patience: float = 600.0
    ) -> None:
        """Embeds and indexes whatever is not yet. Raises `BusyError`."""
        with self._alone(patience):
            self._catch_up(embedder, progress)

    def drop(self, collection: Collection, ids: Sequence[str]) -> None:
        """Takes entries out that are there no more. Waits for who uses the index."""
        with self._alone(600.0):
            client = self._open()
            if collection in {one.name for one in client.list_collections()}:
                held = client.get_collection(collection, embedding_function=None)
                for start in range(0, len(ids), BATCH):
                    held.delete(ids=list(ids[start : start + BATCH]))
                self._written(self._ledger.epoch())

    def remove(self) -> None:
        """Removes the index with every byte of it; the next one has another number. Waits for who uses it."""
        with self._alone(600.0):
            self.close()
            self._ledger.note("epoch", str(self._ledger.epoch() + 1))
            for old in self._root.glob("index-*"):
                shutil.rmtree(old)
            let_go()

    def close(self) -> None:
        """Lets go of Chroma. Safe to call twice."""
        client, self._client = self._client, None
        self._held = {}
        if client is not None:
            close = getattr(client, "close", None)
            if close is not None:
                close()
            client.clear_system_cache()

    # ------------------------------------------------------------------------------------------ inside

    @contextmanager
    def _alone(self, patience: float) -> Iterator[None]:
        """Has the index to itself for the time of the block."""
        clear_what_is_freed()
        private_dir(self._root)
        descriptor = os.open(
            self._root / "index.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            until = time.monotonic() + patience
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise BusyError from None
                    time.sleep(0.02)
            yield
        finally:
            os.close(descriptor)

    def _catch_up(self, embedder: Embedder, progress: Progress | None) -> None:
        digest, epoch = embedder.digest, self._ledger.epoch()
        now = (self._ledger.version(), digest, epoch)
        if now == self._whole:
            return
        if self._ledger.meta("embedder") != digest:
            # Vectors of another model mean nothing to this one: a new index.
            self._ledger.note("embedder", digest)
            self.close()
            epoch += 1
            self._ledger.note("epoch", str(epoch))
            for old in self._root.glob("index-*"):
                shutil.rmtree(old)
        done, total = 0, None
        while todo := self._ledger.unembedded(digest, BATCH):
            vectors = embedder.embed([text for _, text in todo])
            self._ledger.put_vectors(
                digest, ((number, vector) for (number, _), vector in zip(todo, vectors, strict=True))
            )
            done += len(todo)
            if progress is not None:
                total = len(todo) + self._ledger.count_unembedded(digest) if total is None else total
                progress(done, max(done, total))
        import numpy as np

        wrote = False
        while fresh := self._ledger.unindexed(digest, epoch, BATCH * 8):
            by_collection: dict[Collection, list[int]] = {}
            for place, (_, entry, _) in enumerate(fresh):
                by_collection.setdefault(entry.collection, []).append(place)
            for collection, places in by_collection.items():
                self._collection(collection, embedder).upsert(
                    ids=[fresh[place][1].id for place in places],
                    embeddings=np.asarray([fresh[place][2] for place in places], dtype="float32"),
                    metadatas=[
                        {
                            "workspace": fresh[place][1].workspace,
                            "time": fresh[place][1].time,
                            "trusted": fresh[place][1].trusted,
                        }
                        for place in places
                    ],
                )
            self._ledger.indexed((number for number, _, _ in fresh), epoch)
            wrote = True
        if wrote:
            self._written(epoch)
        elif not done:
            self._whole = now

    def _written(self, epoch: int) -> None:
        """Lets other programs know that the index is another one now."""
        written = str(int(self._ledger.meta("written") or 0) + 1)
        self._ledger.note("written", written)
        self._opened = (epoch, written)

    def _collection(self, name: Collection, embedder: Embedder) -> ChromaCollection:
        client = self._open()
        if name in self._held:
            return self._held[name]
        self._held[name] = client.get_or_create_collection(
            name,
            embedding_function=None,  # Chroma's own would download a model: vectors are always given
            configuration={"hnsw": {"space": "cosine", "ef_search": 100, "max_neighbors": 16}},
            metadata={"embedder": embedder.digest},
        )
        return self._held[name]

    def _open(self) -> ClientAPI:
        """The client over the index in use, opened again when another program has written to it or replaced it."""
        now = (self._ledger.epoch(), self._ledger.meta("written"))
        if self._client is not None and self._opened == now:
            return self._client
        self.close()
        import chromadb
        from chromadb.config import Settings

        folder = self._root / f"index-{now[0]}"
        folder.mkdir(mode=0o700, exist_ok=True)
        settings = Settings(anonymized_telemetry=False, is_persistent=True, persist_directory=str(folder))
        self._client = chromadb.PersistentClient(path=str(folder), settings=settings)
        self._opened = now
        return self._client


def _where(wanted: Filter) -> Where | None:
    """A filter in Chroma's form."""
    parts: list[Where] = []
    if wanted.workspace is not None:
        parts.append({"workspace": wanted.workspace})
    if wanted.since is not None:
        parts.append(cast("Where", {"time": {"$gte": wanted.since}}))
    if wanted.until is not None:
        parts.append(cast("Where", {"time": {"$lt": wanted.until}}))
    if wanted.trusted:
        parts.append({"trusted": True})
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else {"$and": parts}
