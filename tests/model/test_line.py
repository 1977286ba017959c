"""Who is next in a line: by rank, asked anew each time; nobody waits behind one who left."""

from __future__ import annotations

import threading

from casava_os.model.line import Line


def test_the_least_rank_is_next_whoever_came_first() -> None:
    line = Line()
    order: list[str] = []
    ranks = {"one": 1.0, "two": 2.0, "three": 3.0}
    at_work = line.join(lambda: 0.0)
    assert at_work.first(0)
    joined = threading.Barrier(4)

    def wait(name: str) -> None:
        place = line.join(lambda: ranks[name])
        joined.wait()
        while not place.first(0.05):
            pass
        order.append(name)
        place.leave()

    threads = [threading.Thread(target=wait, args=(name,), daemon=True) for name in ("three", "one", "two")]
    for thread in threads:
        thread.start()
    joined.wait()
    ranks["three"] = 0.5  # re-niced while it waits
    at_work.leave()
    for thread in threads:
        thread.join(10)
    assert order == ["three", "one", "two"]


def test_who_gives_up_holds_nobody_up() -> None:
    line = Line()
    impatient, patient = line.join(lambda: 0.0), line.join(lambda: 1.0)
    assert not patient.first(0)
    impatient.leave()
    impatient.leave()
    assert patient.first(1)
    with_others = line.join(lambda: 0.0)
    assert not with_others.first(0.01)
    patient.leave()
    assert with_others.first(1)
    with_others.leave()
    with line.alone():
        assert not line.join(lambda: 0.0).first(0.01)
