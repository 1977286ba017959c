"""Instruct models: what the plan's grammar costs a token, next to llama.cpp's own, and a start with and without the kept prefix.

Run: `python -m bench.instruct [MODEL.gguf]`. Without a file it makes one with random weights and the vocabulary of the shipped
model: grammars do not depend on weights, and the share of the prefix in a start only grows with them.
"""

from __future__ import annotations

import ctypes
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.kernel.ports import CompileRequest
from casava_os.model import gguf_file
from casava_os.model.chat.answer import schema
from casava_os.model.chat.instruct import InstructModel
from casava_os.model.chat.prompt import EXAMPLES, plan_text
from casava_syscalls.registry import available
from casava_syscalls.results import Err

if TYPE_CHECKING:
    from casava_os.model.engine import Engine

OFFERED = available()
ROUNDS = 5
BUDGET_SECONDS = 60.0
"""Longest time for llama.cpp's grammar: on some schemas it is very slow."""


def measure(path: Path | None = None) -> dict[str, float]:
    """Milliseconds by name, and ratios of times measured in turns."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CASAVA_HOME"] = folder  # the prefix is kept there
        if path is None:
            from tests.model.tiny import make

            path = make(Path(folder) / "random.gguf")
        figures = _starts(path, Path(folder))
        model = _loaded(path)
        try:
            figures |= _grammars(model)
        finally:
            model.close()
    return figures


def _loaded(path: Path) -> InstructModel:
    fields = gguf_file.header(path)
    if isinstance(fields, Err):
        sys.exit(str(fields))
    return InstructModel(path, fields.value, "bench")


def _starts(path: Path, home: Path) -> dict[str, float]:
    """From no model in memory to the network's state behind the prefix."""
    without, kept = [], []
    for _ in range(ROUNDS):
        for state in home.rglob("*.state"):
            state.unlink()
        without.append(_timed(lambda: _placed(path)))
        kept.append(_timed(lambda: _placed(path)))
    return {
        "cold start, prefix evaluated": 1e3 * statistics.median(without),
        "cold start, prefix from disk": 1e3 * statistics.median(kept),
        "from disk ÷ evaluated": min(kept) / min(without),
    }


def _placed(path: Path) -> None:
    model = _loaded(path)
    try:
        request = CompileRequest("list the files", OFFERED)
        problem = model._place(model._around(OFFERED)[0], request, lambda: False)  # noqa: SLF001 - a bench looks inside
        assert problem is None, problem
    finally:
        model.close()


def _grammars(model: InstructModel) -> dict[str, float]:
    """One mask for each token of the prompt's own plans, by llguidance and by llama.cpp's GBNF."""
    engine = model._engine  # noqa: SLF001
    texts = [plan_text(steps) for _, _, steps in EXAMPLES if all(step["call"] in OFFERED for step in steps)]
    plans = [engine.tokenize(text) for text in texts]
    began = time.perf_counter()
    model._matcher(OFFERED)  # noqa: SLF001
    figures = {"llguidance, grammar of the ABI": 1e3 * (time.perf_counter() - began)}
    ours: list[float] = []
    for tokens in plans:
        matcher = model._matcher(OFFERED)  # noqa: SLF001
        for token in tokens:
            ours.append(_timed(lambda m=matcher: model._allowed(m)))  # noqa: SLF001
            assert matcher.consume_token(token), "the plan's own text must pass"
    figures |= {"llguidance, a mask": 1e3 * statistics.median(ours)}
    theirs, built = _gbnf(engine, plans)
    figures |= {"llama.cpp's GBNF, grammar of the ABI": built}
    if theirs:
        figures |= {
            "llama.cpp's GBNF, a mask": 1e3 * statistics.median(theirs),
            "GBNF ÷ llguidance, a mask": statistics.median(theirs) / statistics.median(ours[: len(theirs)]),
        }
    return figures


def _gbnf(engine: Engine, plans: list[list[int]]) -> tuple[list[float], float]:
    """Seconds of each mask, as many as fit the budget; and milliseconds of making the grammar."""
    import llama_cpp
    from llama_cpp.llama_grammar import json_schema_to_gbnf

    began = time.perf_counter()
    # The converter keeps a regular expression's escapes, which its own grammar does not know.
    text = (
        json_schema_to_gbnf(json.dumps(_anchored(schema(OFFERED))))
        .replace(r"\$", "$")
        .replace(r"\.", ".")
        .encode()
    )
    vocabulary = engine.vocabulary
    size = engine.size
    array = (llama_cpp.llama_token_data * size)()
    times: list[float] = []
    built = 0.0
    until = time.perf_counter() + BUDGET_SECONDS
    for tokens in plans:
        sampler = llama_cpp.llama_sampler_init_grammar(vocabulary, text, b"root")
        if not sampler:
            sys.exit("llama.cpp does not read the grammar that its own converter made of the ABI")
        built = built or 1e3 * (time.perf_counter() - began)
        for token in tokens:
            for number in range(size):
                array[number].id, array[number].logit, array[number].p = number, 0.0, 0.0
            candidates = llama_cpp.llama_token_data_array(array, size, -1, False)
            times.append(
                _timed(lambda s=sampler, c=candidates: llama_cpp.llama_sampler_apply(s, ctypes.byref(c)))
            )
            llama_cpp.llama_sampler_accept(sampler, token)
            if time.perf_counter() > until:
                llama_cpp.llama_sampler_free(sampler)
                return times, built
        llama_cpp.llama_sampler_free(sampler)
    return times, built


def _anchored(part: object) -> object:
    """A JSON schema whose patterns are of whole texts: llama.cpp's converter knows no others."""
    if isinstance(part, list):
        return [_anchored(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {key: _anchored(one) for key, one in part.items()}
    pattern = found.get("pattern")
    if isinstance(pattern, str):
        begins, ends = pattern.startswith("^"), pattern.endswith("$")
        found["pattern"] = ("" if begins else "^.*") + pattern + ("" if ends else ".*$")
    return found


def _timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(measure(*map(Path, sys.argv[1:2])), indent=2, ensure_ascii=False))
