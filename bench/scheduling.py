"""Many requests at one model: throughput against one at a time, and what background work costs a person who waits.

Run: `python -m bench.scheduling`. The same requests in every row, on the cores that there are; others who use the
machine change the figures, so read them as ratios.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator

from bench.model import REQUESTS
from casava_os import model
from casava_os.kernel.ports import CompileRequest, Model
from casava_syscalls.registry import available
from casava_syscalls.results import Err

TOGETHER = (1, 4, 16)
ROUNDS = 5
WORK = REQUESTS * 16
BACKGROUND = 8
LOOKS = 120
"""How often the person asks."""


def measure() -> dict[str, float]:
    """Requests a second by the number of threads that ask, ratios, and a person's milliseconds with and without others."""
    loaded = model.load()
    if isinstance(loaded, Err):
        sys.exit(str(loaded))
    smol = loaded.value
    _served(smol, 4)
    rates: dict[int, list[float]] = {count: [] for count in TOGETHER}
    for _ in range(ROUNDS):
        for count in TOGETHER:
            rates[count].append(len(WORK) / _served(smol, count))
    middle = {count: statistics.median(rate) for count, rate in rates.items()}
    figures = {f"requests a second, {count} at once": rate for count, rate in middle.items()}
    figures |= {f"{count} at once ÷ one at a time": middle[count] / middle[1] for count in TOGETHER[1:]}
    alone = _person(smol)
    with_others = _among(smol, interactive=False)
    equals = _among(smol, interactive=True)
    for name, times in (
        ("a person alone", alone),
        (f"a person, {BACKGROUND} in the background", with_others),
        (f"one of {BACKGROUND + 1} equals", equals),
    ):
        ranked = sorted(times)
        figures[f"{name}, median ms"] = 1e3 * ranked[len(ranked) // 2]
        figures[f"{name}, p95 ms"] = 1e3 * ranked[int(0.95 * len(ranked))]
    figures["cores"] = os.cpu_count() or 1
    smol.close()
    return figures


def _served(smol: Model, count: int) -> float:
    """Seconds for the whole work by so many threads."""
    left = iter(WORK)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                text = next(left, None)
            if text is None:
                return
            smol.compile(CompileRequest(text, available()))

    began = time.perf_counter()
    _threads([work] * count)
    return time.perf_counter() - began


def _person(smol: Model) -> list[float]:
    """Seconds of each request of somebody who asks, reads a little, and asks again."""
    times = []
    for text in _repeated(LOOKS):
        began = time.perf_counter()
        smol.compile(CompileRequest(text, available()))
        times.append(time.perf_counter() - began)
        time.sleep(0.01)
    return times


def _among(smol: Model, *, interactive: bool) -> list[float]:
    """The same while others ask without a pause."""
    stop = threading.Event()
    times: list[float] = []

    def other() -> None:
        for text in _repeated(10**6):
            if stop.is_set():
                return
            smol.compile(CompileRequest(text, available(), interactive=interactive))

    def person() -> None:
        times.extend(_person(smol))
        stop.set()

    _threads([*[other] * BACKGROUND, person])
    return times


def _repeated(count: int) -> Iterator[str]:
    return (REQUESTS[n % len(REQUESTS)] for n in range(count))


def _threads(work: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
