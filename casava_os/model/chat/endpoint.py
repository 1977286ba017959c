"""A model behind an OpenAI-compatible endpoint: Ollama, vLLM, llama-server, or a service.

One request, streamed, so that cancelling and the longest answer hold from token to token. The plan's JSON Schema goes along
as the response format; servers that do not know it are asked again without. Nothing is sent but the syscalls'
signatures, the request, the names near the top of the workspace and, to a server on this machine (or wherever the settings
allow it), plans that did like requests here before. The key is read when it is used and shown to nobody.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from casava_os.kernel.ports import CompileRequest, Draft
from casava_os.model.chat.answer import LONGEST_ANSWER, draft, schema
from casava_os.model.chat.prompt import prefix, request_text
from casava_syscalls.results import Err, ErrorCode, Result

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS, SILENCE_SECONDS, TOTAL_SECONDS = 5.0, 60.0, 180.0
"""To connect, between two pieces of the answer (a large model first reads the whole prompt), and for all of it."""

TRIES = 3
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may pass. Source: RFC 9110 and RFC 6585."""

LONGEST_WAIT = 20.0
"""Seconds between two tries at most, whatever the server asks for."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a model is served: the base URL (ending in /v1, mostly) and the model's name there."""

    url: str
    model: str
    key: Callable[[], str | None] = field(default=lambda: None, repr=False)

    @property
    def shown(self) -> str:
        """The URL without a user and a password."""
        return re.sub(r"^(https?://)[^/@]*@", r"\1", self.url)


@dataclass(slots=True)
class _Heard:
    """The answer as far as it came."""

    parts: list[str] = field(default_factory=list)
    size: int = 0
    least: float | None = None
    """Log-probability of the least likely token, where the server says."""
    tokens: int = 0

    def add(self, text: str) -> None:
        self.parts.append(text)
        self.size += len(text)
        self.tokens += 1


class EndpointModel:
    """A remote model behind the kernel's `Model` protocol. Safe to call from several threads."""

    def __init__(
        self,
        address: Address,
        *,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        silence: float = SILENCE_SECONDS,
        total: float = TOTAL_SECONDS,
        qualified: bool = False,
    ) -> None:
        import httpx2

        self._address, self._sleep, self._total, self._qualified = address, sleep, total, qualified
        timeout = httpx2.Timeout(silence, connect=CONNECT_SECONDS)
        self._client = httpx2.Client(timeout=timeout, transport=transport, follow_redirects=False)

    @property
    def name(self) -> str:
        return self._address.model

    @property
    def digest(self) -> str:
        """Empty: a remote model can change without notice."""
        return ""

    @property
    def identity(self) -> str:
        return f"{self._address.shown}#{self._address.model}"

    @property
    def qualified(self) -> bool:
        return self._qualified

    @property
    def repairs(self) -> bool:
        return True

    @property
    def local(self) -> bool:
        """Whether the server is on this machine: its address is one of loopback."""
        host = urlsplit(self._address.url).hostname or ""
        try:
            return host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False

    def compile(
        self, request: CompileRequest, cancelled: Callable[[], bool] = lambda: False
    ) -> Result[Draft]:
        """The plan for a request. `Err` codes: `no-model`, `not-understood`, `timeout`, `limit`, `interrupted`."""
        import httpx2

        began = time.monotonic()
        body = self._body(request)
        failed = self._failed("no-model", "did not answer")
        for attempt in range(1, TRIES + 1):
            wait = 0.5 * attempt
            try:
                heard = self._ask(body, began, cancelled)
                if isinstance(heard, Err):
                    return heard
                confidence = None if heard.least is None else math.exp(heard.least)
                seconds = time.monotonic() - began
                return draft(
                    "".join(heard.parts), request, confidence=confidence, tokens=heard.tokens, seconds=seconds
                )
            except httpx2.TimeoutException:
                return self._failed("timeout", "did not answer in time")
            except httpx2.TransportError as problem:
                failed = self._failed("no-model", f"cannot be reached: {problem}")
            except httpx2.HTTPStatusError as problem:
                status = problem.response.status_code
                if status in (400, 422) and "response_format" in body:
                    body = {
                        key: value
                        for key, value in body.items()
                        if key not in ("response_format", "logprobs")
                    }
                    continue
                failed = self._refused(problem.response)
                if status not in _AGAIN:
                    return failed
                wait = _asked_to_wait(problem.response, attempt)
            if cancelled():
                return Err(code="interrupted", title="Interrupted")
            if attempt < TRIES:
                self._sleep(min(wait, LONGEST_WAIT))
        return failed

    def _body(self, request: CompileRequest) -> dict[str, object]:
        messages = [*prefix(request.offered), {"role": "user", "content": request_text(request)}]
        return {
            "model": self._address.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": 1024,
            "stream": True,
            "logprobs": True,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "plan", "schema": schema(request.offered)},
            },
        }

    def _ask(self, body: Mapping[str, object], began: float, cancelled: Callable[[], bool]) -> _Heard | Err:
        """One try. Raises what httpx2 raises."""
        headers = {"Accept": "text/event-stream"}
        if key := self._address.key():
            headers["Authorization"] = f"Bearer {key}"
        heard = _Heard()
        url = f"{self._address.url.rstrip('/')}/chat/completions"
        with self._client.stream("POST", url, json=body, headers=headers) as response:
            if response.status_code != 200:
                response.read()
                response.raise_for_status()
                return self._refused(response)  # a redirect, which might take the request elsewhere
            for event in _events(response):
                if cancelled():
                    return Err(code="interrupted", title="Interrupted")
                if time.monotonic() - began > self._total:
                    return self._failed("timeout", f"went on for more than {self._total:g} seconds")
                if (problem := _hear(event, heard)) is not None:
                    return self._failed("no-model", problem)
                if heard.size > LONGEST_ANSWER:
                    return self._failed("limit", "answered with more than any plan needs")
        return heard

    def _refused(self, response: httpx2.Response) -> Err:
        said = " ".join(response.text.split())[:200]
        match response.status_code:
            case 401 | 403:
                return self._failed(
                    "no-model", "does not accept the key", "check the key that the catalogue names"
                )
            case 404:
                return self._failed(
                    "no-model",
                    f"has no model {self._address.model!r}",
                    "look at the names that the server lists",
                )
            case status:
                return self._failed("no-model", f"answers {status}: {said}")

    def _failed(
        self,
        code: ErrorCode,
        what: str,
        hint: str = "is the server running? `casava-os model list` shows others",
    ) -> Err:
        return Err(
            code=code, title="The model's endpoint failed", message=f"{self._address.shown} {what}", hint=hint
        )

    def close(self) -> None:
        self._client.close()


def _events(response: httpx2.Response) -> Iterator[object]:
    """The JSON objects of a stream of server-sent events; also the one of a server that does not stream."""
    pending = ""
    for chunk in response.iter_text():
        pending += chunk
        if len(pending) > 4 * LONGEST_ANSWER:
            yield {"choices": [{"delta": {"content": " " * (LONGEST_ANSWER + 1)}}]}
            return
        *lines, pending = pending.split("\n")
        for line in lines:
            if (event := _event(line)) is not None:
                yield event
    if (event := _event(pending)) is not None:
        yield event


def _event(line: str) -> object | None:
    text = line.strip().removeprefix("data:").strip()
    if not text.startswith("{"):
        return None
    try:
        found: object = json.loads(text)
    except ValueError:
        return {"error": {"message": "it streams what is not JSON"}}
    return found


def _hear(event: object, heard: _Heard) -> str | None:
    """Takes one event; what is wrong with it, or None."""
    if not isinstance(event, dict):
        return "streams what is no event"
    if "error" in event:
        error = event["error"]
        return f"says: {error.get('message') if isinstance(error, dict) else error}"[:300]
    choices = event.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    delta = choices[0].get("delta") or choices[0].get("message") or {}
    content = delta.get("content") if isinstance(delta, dict) else None
    if isinstance(content, str) and content:
        heard.add(content)
    logprobs = choices[0].get("logprobs")
    for token in (logprobs.get("content") or []) if isinstance(logprobs, dict) else []:
        value = token.get("logprob") if isinstance(token, dict) else None
        if isinstance(value, int | float) and value <= 0:
            heard.least = value if heard.least is None else min(heard.least, value)
    return None


def _asked_to_wait(response: httpx2.Response, attempt: int) -> float:
    """Seconds until the next try: what the server asks for, else more with each try."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.replace(".", "", 1).isdigit() else 0.5 * 2**attempt
