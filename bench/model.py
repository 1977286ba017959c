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
from casava_os.model.decoding import Question
from casava_os.model.engine import Work
from casava_os.model.llama import LlamaModel
from casava_syscalls.registry import available
from casava_syscalls.results import Err, Ok

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
OFFERED = available()


def measure(name: str | None = None) -> dict[str, float]:
    """Milliseconds by name; ratios of one plan to the network alone, and to decoding the same tokens as it does, unconstrained."""
    began = time.perf_counter()
    loaded = model.load(name)
    if isinstance(loaded, Err):
        sys.exit(str(loaded))
    smol = loaded.value
    assert isinstance(smol, LlamaModel), "its parts are measured, which other models do not have"
    figures = {"import and load": 1e3 * (time.perf_counter() - began)}
    figures["first request"] = 1e3 * _timed(lambda: smol.compile(CompileRequest(REQUESTS[0], OFFERED)))
    asked = [_works(smol, text) for text in REQUESTS]
    whole: list[float] = []
    single: list[float] = []
    alone: list[float] = []
    free: list[float] = []
    for _ in range(ROUNDS):  # in turns: what else the machine does then is in all of them
        for text, works in zip(REQUESTS, asked, strict=True):
            whole.append(_timed(lambda t=text: smol.compile(CompileRequest(t, OFFERED))))
            single.append(_timed(lambda t=text: _decode(smol, t)))
            alone.append(_timed(lambda w=works: _network_alone(smol, w)))
            free.append(_timed(lambda w=works: _unconstrained(smol, w)))
    figures |= _spread("compile", whole)
    figures |= _spread("one plan", single)
    figures |= _spread("tokenize", [_timed(lambda t=t: smol._speller.tokens(t)) for t in REQUESTS * ROUNDS])  # noqa: SLF001 - a bench looks inside
    figures |= _spread("grammar of a request", [_timed(_grammar(smol, t)) for t in REQUESTS * ROUNDS])
    figures |= _spread("network alone", alone)
    figures |= _spread("unconstrained", free)
    figures["compile ÷ one plan"] = _best(whole) / _best(single)
    figures["constrained ÷ network alone"] = _best(single) / _best(alone)
    figures["constrained ÷ unconstrained"] = _best(single) / _best(free)
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


def _best(times: Sequence[float]) -> float:
    """Seconds for every request once, each at its best: what the work takes when nobody else has the cores."""
    return sum(min(times[n :: len(REQUESTS)]) for n in range(len(REQUESTS)))


def _decode(smol: LlamaModel, text: str) -> None:
    """One plan, which compiling weighs against others where the network is not sure of it."""
    smol.decode(CompileRequest(text, OFFERED))


def _works(smol: LlamaModel, text: str) -> list[list[Work]]:
    """The evaluations that one plan for `text` takes, by attempt: each begins with the request."""
    engine = smol._engine  # noqa: SLF001
    original, works = engine.run, list[list[Work]]()

    def spy(asked: Sequence[Work]) -> list[NDArray[np.float32]]:
        (work,) = asked
        if len(work.tokens) - work.last > 1:
            works.append([])
        works[-1].append(Work(0, [*work.tokens], work.last))
        return original(asked)

    engine.run = spy  # type: ignore[method-assign]
    try:
        _decode(smol, text)
    finally:
        engine.run = original  # type: ignore[method-assign]
    return works


def _network_alone(smol: LlamaModel, works: list[list[Work]]) -> None:
    """The same evaluations without grammar or choice: what no way of writing the rest could undercut."""
    for attempt in works:
        smol._engine.forget()  # noqa: SLF001
        for work in attempt:
            smol._engine.run([work])  # noqa: SLF001


def _unconstrained(smol: LlamaModel, works: list[list[Work]]) -> None:
    """The same tokens through the same queue without a grammar: each is asked for, since nothing says which are forced."""
    for attempt in works:
        first = attempt[0]
        read = len(first.tokens) - first.last + 1
        tokens = [*first.tokens[read:], *(token for work in attempt[1:] for token in work.tokens)]
        seat = smol._batching.enter(smol._weights.context)  # noqa: SLF001
        assert isinstance(seat, Ok)
        try:
            for question in (Question(first.tokens[:read], begins=True), *(Question([t]) for t in tokens)):
                answer = smol._batching.evaluate(seat.value, question)  # noqa: SLF001
                assert not isinstance(answer, Err)
                answer[0].argmax()
        finally:
            smol._batching.leave(seat.value)  # noqa: SLF001


def _grammar(smol: LlamaModel, text: str) -> Callable[[], object]:
    """Builds the grammar of one request, up to the first mask."""
    from casava_os.model.grammar import Cursor
    from casava_os.model.values import Values

    tokens = smol._speller.tokens(text)  # noqa: SLF001
    widths = [smol._widths[token] for token in tokens]  # noqa: SLF001
    now = datetime.now()  # noqa: DTZ005 - as the engine does

    def work() -> object:
        values = Values(text, tokens, widths, (), smol._speller.all, now)  # noqa: SLF001
        text_of = smol._speller.text  # noqa: SLF001
        return Cursor(smol._grammar, OFFERED, values, text_of, piped_stdin=False, now=now).allowed()  # noqa: SLF001

    return work


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:2]), indent=2, ensure_ascii=False))
