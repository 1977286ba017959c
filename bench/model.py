"""The kernel model's times: load, and one request with its parts, next to decoding without a grammar.

Run: `python bench/model.py [MODEL]`. One thread; medians and p95 over fixed requests.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

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


def spread(times: list[float]) -> dict[str, float]:
    """Median and p95 in milliseconds."""
    ranked = sorted(times)
    return {
        "median_ms": round(1e3 * ranked[len(ranked) // 2], 2),
        "p95_ms": round(1e3 * ranked[int(0.95 * len(ranked))], 2),
    }


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Prints one JSON object."""
    name = sys.argv[1] if len(sys.argv) > 1 else None
    figures: dict[str, object] = {}

    def engines() -> None:
        import llama_cpp  # noqa: F401
        import llguidance  # noqa: F401

    figures["import_ms"] = round(1e3 * timed(engines), 1)
    from casava_os import model
    from casava_os.kernel.ports import CompileRequest
    from casava_os.model.grammar import Cursor
    from casava_os.model.llama import LlamaModel
    from casava_os.model.values import Values
    from casava_syscalls.registry import available
    from casava_syscalls.results import Err

    began = time.perf_counter()
    loaded = model.load(name)
    if isinstance(loaded, Err):
        sys.exit(str(loaded))
    smol: LlamaModel = loaded.value
    figures["model"] = smol.name
    figures["load_ms"] = round(1e3 * (time.perf_counter() - began), 1)
    offered = available()
    figures["first_request_ms"] = round(
        1e3 * timed(lambda: smol.compile(CompileRequest(REQUESTS[0], offered))), 1
    )
    figures["compile"] = spread(
        [
            timed(lambda t=text: smol.compile(CompileRequest(t, offered)))
            for _ in range(ROUNDS)
            for text in REQUESTS
        ]
    )

    # The parts: tokens, the network alone on the same tokens, and the grammar as the rest.
    engine = smol._engine  # noqa: SLF001 - a bench looks inside
    network: list[float] = []
    whole: list[float] = []
    tokenizing: list[float] = []
    for _ in range(ROUNDS):
        for text in REQUESTS:
            tokens: list[int] = []
            tokenizing.append(timed(lambda t=text, out=tokens: out.extend(engine.tokenize(t))))
            steps: list[tuple[int, int]] = []
            original = engine.evaluate

            def spy(ids, *, last=1, original=original, steps=steps):  # type: ignore[no-untyped-def]
                steps.append((len(ids), last))
                return original(ids, last=last)

            engine.evaluate = spy  # type: ignore[method-assign]
            smol.compile(CompileRequest(text, offered))
            engine.evaluate = original  # type: ignore[method-assign]
            whole.append(timed(lambda t=text: smol.compile(CompileRequest(t, offered))))

            def alone(steps=steps) -> None:  # type: ignore[no-untyped-def]
                engine.forget()
                for count, last in steps:
                    engine.evaluate([5] * count, last=last).argmax()

            network.append(timed(alone))
    figures["tokenize"] = spread(tokenizing)
    figures["network_alone"] = spread(network)
    figures["constrained_to_unconstrained"] = round(sum(whole) / sum(network), 2)

    values: list[float] = []
    for text in REQUESTS:
        tokens = engine.tokenize(text)
        widths = [smol._widths[token] for token in tokens]  # noqa: SLF001
        now = datetime.now()  # noqa: DTZ005 - as the engine does

        def cursor(text=text, tokens=tokens, widths=widths, now=now) -> None:  # type: ignore[no-untyped-def]
            made = Values(text, tokens, widths, (), engine.tokenize, now)
            Cursor(smol._grammar, offered, made, smol._text, piped_stdin=False, now=now).allowed()  # noqa: SLF001

        values.append(timed(cursor))
    figures["grammar_per_request"] = spread(values)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    figures["resident_mb"] = round(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
