"""Vectors of texts by an OpenAI-compatible endpoint (`POST /v1/embeddings`): Ollama, vLLM, llama-server, or a service.

Only who says so in the settings sends texts anywhere. The key is read when it is used and shown to nobody; redirects, which
might take texts elsewhere, are not followed.
"""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from casava_os.memory.embedding import NoEmbedderError

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 60.0
TRIES = 3
AT_ONCE = 64
"""Texts in one call."""
CHARACTERS = 8000
"""Of one text at most: about the 2,048 tokens that most models read."""
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may pass. Source: RFC 9110 and RFC 6585."""


class EndpointEmbedder:
    """An embedding model that is served somewhere (`ports.Embedder`). `address`: `URL#MODEL`, the URL ending in /v1 mostly.

    Raises `NoEmbedderError` when it does not answer with vectors.
    """

    def __init__(
        self,
        address: str,
        key: Callable[[], str | None] = lambda: None,
        *,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx2

        url, _, self._model = address.partition("#")
        self._url = url.rstrip("/")
        self._key, self._sleep = key, sleep
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            transport=transport,
            follow_redirects=False,
        )
        self._width = 0

    @property
    def name(self) -> str:
        """The model and where it is, without a user and a password."""
        return re.sub(r"^(https?://)[^/@]*@", r"\1", self._url) + f"#{self._model}"

    @property
    def digest(self) -> str:
        """Of the address alone: a server does not say when its model becomes another."""
        return hashlib.sha256(self.name.encode()).hexdigest()

    @property
    def dimensions(self) -> int:
        if not self._width:
            self.embed(["dimensions"])
        return self._width

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector of unit length for each text, in order. Blocking; any thread."""
        found: list[list[float]] = []
        for start in range(0, len(texts), AT_ONCE):
            found += self._asked([text[:CHARACTERS] or " " for text in texts[start : start + AT_ONCE]])
        return found

    def _asked(self, texts: list[str]) -> list[list[float]]:
        import httpx2

        headers = {"Authorization": f"Bearer {key}"} if (key := self._key()) else {}
        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        problem = "did not answer"
        for attempt in range(1, TRIES + 1):
            try:
                response = self._client.post(f"{self._url}/embeddings", json=body, headers=headers)
            except httpx2.TransportError as why:
                problem = f"cannot be reached: {why}"
            else:
                if response.status_code == 200:
                    return self._read(response, len(texts))
                problem = f"answers {response.status_code}"
                if response.status_code not in _AGAIN:
                    break
            if attempt < TRIES:
                self._sleep(0.5 * 2**attempt)
        raise NoEmbedderError(f"{self.name} {problem}")

    def _read(self, response: httpx2.Response, count: int) -> list[list[float]]:
        """The vectors of an answer, in the order of its numbers."""
        try:
            rows = sorted(response.json()["data"], key=lambda row: int(row["index"]))
            found = [[float(value) for value in row["embedding"]] for row in rows]
        except (ValueError, KeyError, TypeError) as why:
            raise NoEmbedderError(f"{self.name} does not answer with vectors") from why
        widths = {len(vector) for vector in found} | ({self._width} if self._width else set())
        if len(found) != count or len(widths) != 1 or 0 in widths:
            raise NoEmbedderError(f"{self.name} answers with other vectors than it was asked for")
        self._width = widths.pop()
        return [_unit(vector) for vector in found]

    def close(self) -> None:
        """Safe to call twice."""
        self._client.close()


def _unit(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(value * value for value in vector))
    if not math.isfinite(length):
        raise NoEmbedderError("a vector of the endpoint holds what is no number")
    return [value / length for value in vector] if length else vector
