"""The kernel model's times: load, and one request with its parts, next to the network alone.

Run: `python -m bench.model [MODEL]`. One thread; medians and 95th percentiles over fixed requests.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os import model
from casava_os.kernel.ports import CompileRequest
from casava_syscalls.registry import available
from casava_syscalls.results import Err

if TYPE_CHECKING:
    from casava_os.model.llama import LlamaModel

REQUESTS = (
    "delete the .tmp files older than a week",
    "how many python files are there",
    "show the last 20 lines of server.log",
    'append "buy milk" to todo.txt',
    "find the five largest files in downloads",
    "replace foo with bar in every file of src",
    "what is using the most memory",
    "zip the reports folder as reports.zip",
    "run `make test` and tell me whether it worked",
    "make a folder called drafts and move all the docx files there",
)
ROUNDS = 20


def measure(name: str | None = None) -> dict[str, float]:
    """Milliseconds by name, and the ratio of constrained decoding to the network alone on the same tokens."""
    began = time.perf_counter()
    loaded = model.load(name)
    if isinstance(loaded, Err):
        sys.exit(str(loaded))
    smol = loaded.value
    figures = {"import and load": 1e3 * (time.perf_counter() - began)}
    figures["first request"] = 1e3 * _timed(lambda: smol.compile(CompileRequest(REQUESTS[0], available())))
    whole = [_timed(lambda t=t: _compile(smol, t)) for _ in range(ROUNDS) for t in REQUESTS]
    alone = [_timed(work) for _ in range(ROUNDS) for work in [_network_alone(smol, t) for t in REQUESTS]]
    figures |= _spread("compile", whole)
    figures |= _spread("tokenize", [_timed(lambda t=t: smol._engine.tokenize(t)) for t in REQUESTS * ROUNDS])  # noqa: SLF001 - a bench looks inside
    figures |= _spread("grammar of a request", [_timed(_grammar(smol, t)) for t in REQUESTS * ROUNDS])
    figures |= _spread("network alone", alone)
    figures["constrained ÷ network alone"] = sum(whole) / sum(alone)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    figures["resident MB"] = int(status.partition("VmRSS:")[2].split()[0]) / 1024
    return figures


def _timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _spread(what: str, times: Sequence[float]) -> dict[str, float]:
    ranked = sorted(times)
    return {
        f"{what}, median": 1e3 * ranked[len(ranked) // 2],
        f"{what}, p95": 1e3 * ranked[int(0.95 * len(ranked))],
    }


def _compile(smol: LlamaModel, text: str) -> None:
    smol.compile(CompileRequest(text, available()))


def _network_alone(smol: LlamaModel, text: str) -> Callable[[], None]:
    """The same evaluations as compiling `text` takes, without grammar or choice."""
    engine = smol._engine  # noqa: SLF001
    original = engine.evaluate
    steps: list[tuple[int, int]] = []

    def spy(ids, *, last=1):  # type: ignore[no-untyped-def]
        steps.append((len(ids), last))
        return original(ids, last=last)

    engine.evaluate = spy  # type: ignore[method-assign]
    try:
        _compile(smol, text)
    finally:
        engine.evaluate = original  # type: ignore[method-assign]

    def work() -> None:
        engine.forget()
        for count, last in steps:
            engine.evaluate([5] * count, last=last)

    return work


def _grammar(smol: LlamaModel, text: str) -> Callable[[], object]:
    """Builds the grammar of one request, up to the first mask."""
    from casava_os.model.grammar import Cursor
    from casava_os.model.values import Values

    tokens = smol._engine.tokenize(text)  # noqa: SLF001
    widths = [smol._widths[token] for token in tokens]  # noqa: SLF001
    now = datetime.now()  # noqa: DTZ005 - as the engine does

    def work() -> object:
        values = Values(text, tokens, widths, (), smol._engine.tokenize, now)  # noqa: SLF001
        return Cursor(smol._grammar, available(), values, smol._text, piped_stdin=False, now=now).allowed()  # noqa: SLF001

    return work


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:2]), indent=2, ensure_ascii=False))
