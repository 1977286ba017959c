"""Who is served next: order, ageing, deadlines, places, fairness. A clock of our own; no model, no thread."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casava_os.kernel.ports import Priority
from casava_os.model.scheduler import Entry, Round, Rules, Scheduler, State
from casava_syscalls.results import Err

RULES = Rules(sequences=3, cells=300, queue=4, handicap=2.0, grace=0.01, patience=0.1, quantum=8, limit=16)


@dataclass
class Desk:
    """A scheduler whose time stands still until it is told to go on."""

    rules: Rules = RULES
    now: float = 100.0
    spare: int = 10**9
    policy: Scheduler = field(init=False)

    def __post_init__(self) -> None:
        self.policy = Scheduler(self.rules, lambda: self.now, lambda cells: cells <= self.spare)

    def come(
        self,
        *,
        wants: int = 1,
        cells: int = 10,
        interactive: bool = True,
        deadline: float | None = None,
        priority: Priority = "normal",
    ) -> Entry:
        entry = self.policy.enter(cells, interactive=interactive, deadline=deadline, priority=priority)
        assert isinstance(entry, Entry), entry
        self.policy.want(entry, wants)
        return entry

    def round(self) -> Round:
        found = self.policy.next()
        for entry, tokens in found.batch:
            self.policy.done(entry, tokens)
        return found

    def batch(self) -> list[Entry]:
        return [entry for entry, _ in self.round().batch]


def test_who_comes_first_is_served_first_and_others_of_its_kind_ride_along() -> None:
    desk = Desk()
    first = desk.come()
    desk.now += 1
    second = desk.come()
    assert desk.batch() == [first, second]
    assert not desk.round()


def test_a_person_goes_before_background_work_that_came_earlier() -> None:
    desk = Desk()
    background = desk.come(interactive=False)
    assert desk.batch() == [background]
    desk.policy.want(background, 1)
    person = desk.come()
    assert desk.batch() == [person]
    desk.policy.leave(person)
    assert desk.batch() == [background]


def test_background_work_ages_until_nobody_can_overtake_it() -> None:
    desk = Desk()
    background = desk.come(interactive=False, wants=17)
    desk.now += RULES.handicap + 0.1
    person = desk.come()
    assert desk.batch() == [background], "a batch has no room for more than its first 16 tokens"
    assert desk.batch() == [background, person]


def test_background_work_rests_while_a_person_s_request_thinks_and_goes_on_when_that_takes_long() -> None:
    desk = Desk()
    background, person = desk.come(interactive=False), desk.come()
    assert desk.batch() == [person]
    assert not desk.policy.next().batch, "the person's next question is soon to come"
    desk.now += RULES.grace + 0.001
    assert desk.batch() == [background]


def test_one_place_is_kept_for_whoever_is_urgent() -> None:
    desk = Desk()
    background = [desk.come(interactive=False) for _ in range(3)]
    desk.round()
    assert [entry.state for entry in background] == [State.PLACED, State.PLACED, State.WAITING]
    person = desk.come()
    found = desk.round()
    assert not found.evict
    assert [entry for entry, _ in found.place] == [person]


def test_the_last_come_background_work_gives_up_its_place_for_a_second_person() -> None:
    desk = Desk()
    background = [desk.come(interactive=False) for _ in range(2)]
    desk.round()
    people = [desk.come(), desk.come()]
    found = desk.round()
    assert found.evict == [background[1]]
    assert [entry for entry, _ in found.place] == people
    assert background[1].state is State.EVICTED
    assert background[1].evictions == 1
    assert len({entry.sequence for entry in (background[0], *people)}) == 3
    for person in people:
        desk.policy.leave(person)
    desk.policy.want(background[1], 1)
    assert [entry for entry, _ in desk.round().place] == [background[1]]


def test_nobody_is_evicted_when_there_is_no_memory_to_keep_its_state() -> None:
    desk = Desk(spare=5)
    background = [desk.come(interactive=False) for _ in range(2)]
    desk.round()
    people = [desk.come(), desk.come()]
    found = desk.round()
    assert not found.evict
    assert [person.state for person in people] == [State.PLACED, State.WAITING]
    assert background[1].state is State.PLACED


def test_who_hangs_loses_its_place_to_whoever_needs_it_even_to_background_work() -> None:
    desk = Desk()
    hung = [desk.come(), desk.come(), desk.come()]
    desk.round()
    background = desk.come(interactive=False)
    assert not desk.round().place
    desk.now += RULES.patience + 0.01
    found = desk.round()
    assert found.evict == hung[:2], "one more than it needs, since one place is kept free for a person"
    assert desk.policy.entries.index(background) == 3
    assert background.state is State.PLACED


def test_who_hangs_keeps_its_place_while_nobody_needs_it() -> None:
    desk = Desk()
    hung = desk.come()
    desk.round()
    desk.now += 1000
    other = desk.come()
    assert desk.batch() == [other]
    assert hung.state is State.PLACED


def test_room_is_given_out_in_cells_and_nobody_smaller_overtakes() -> None:
    desk = Desk()
    large = desk.come(cells=250)
    desk.round()
    second, small = desk.come(cells=100), desk.come(cells=10)
    assert not desk.round().place
    assert (second.state, small.state) == (State.WAITING, State.WAITING)
    desk.policy.leave(large)
    assert [entry for entry, _ in desk.round().place] == [second, small]
    assert desk.policy.free_cells == 300 - 110


def test_what_cannot_ever_be_had_is_refused_at_once() -> None:
    refused = Desk().policy.enter(301)
    assert isinstance(refused, Err)
    assert refused.code == "limit"
    assert "301" in refused.message


def test_the_queue_is_bounded() -> None:
    desk = Desk()
    for _ in range(3):
        desk.come()
    desk.round()
    for _ in range(RULES.queue):
        desk.come()
    refused = desk.policy.enter(10)
    assert isinstance(refused, Err)
    assert refused.code == "limit"
    assert refused.title == "The model is busy"
    assert refused.hint


def test_a_deadline_passes() -> None:
    desk = Desk()
    entry, endless = desk.come(deadline=101.0), desk.come()
    assert not desk.policy.late(entry)
    desk.now = 101.0
    assert desk.policy.late(entry)
    assert not desk.policy.late(endless)


def test_who_leaves_frees_its_place_once() -> None:
    desk = Desk()
    entry = desk.come(cells=100)
    desk.round()
    desk.policy.leave(entry)
    desk.policy.leave(entry)
    assert desk.policy.free_cells == RULES.cells
    assert desk.policy.entries == ()


def test_a_long_request_is_read_in_parts_and_a_quantum_bounds_what_rides_along() -> None:
    desk = Desk()
    long = desk.come(wants=40)
    short = [desk.come(wants=4) for _ in range(2)]
    assert [desk.round().batch for _ in range(3)] == [[(long, 16)], [(long, 16)], [(long, 8)]]
    assert desk.round().batch == [(short[0], 4), (short[1], 4)]
    for entry in short:
        desk.policy.want(entry, 5)
    assert desk.round().batch == [(short[0], 5)], "10 tokens are more than a quantum"


def test_only_likes_share_a_batch() -> None:
    """A batch of unlike lengths would be cut up, and where it is cut shows in the last bits."""
    desk = Desk()
    one, two, other = desk.come(wants=1), desk.come(wants=2), desk.come(wants=1)
    assert desk.batch() == [one, other]
    assert desk.batch() == [two]


@pytest.mark.parametrize("seconds", [0.5, 5.0])
def test_a_stream_of_people_does_not_starve_background_work(seconds: float) -> None:
    """People come without a pause, each taking `seconds` of the model; the background request is served nevertheless."""
    desk = Desk()
    began = desk.now
    background = desk.come(interactive=False)
    person = desk.come()
    for _ in range(1000):
        desk.now += seconds / 2
        if background in desk.batch():
            break
        desk.policy.leave(person)
        person = desk.come()
    assert desk.now - began <= RULES.handicap + seconds + RULES.grace


# ------------------------------------------------------------------------------------------------ whatever happens

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(1, 120), st.integers(1, 40), st.booleans()),
        st.tuples(st.just("serve"), st.just(0), st.just(0), st.just(False)),
        st.tuples(st.just("want"), st.integers(0, 9), st.integers(1, 5), st.just(False)),
        st.tuples(st.just("leave"), st.integers(0, 9), st.just(0), st.just(False)),
        st.tuples(st.just("wait"), st.integers(0, 500), st.just(0), st.just(False)),
    ),
    max_size=60,
)


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_whatever_happens_room_is_never_given_twice(steps: list[tuple[str, int, int, bool]]) -> None:
    desk = Desk()
    there: list[Entry] = []
    for what, first, second, person in steps:
        if what == "come":
            entry = desk.policy.enter(first, interactive=person)
            if isinstance(entry, Entry):
                desk.policy.want(entry, second)
                there.append(entry)
        elif what == "serve":
            served = desk.round().batch
            assert sum(tokens for _, tokens in served[1:]) < RULES.quantum
            assert all(entry.state is State.PLACED and tokens > 0 for entry, tokens in served)
        elif what == "want" and there and not there[first % len(there)].wanted:
            desk.policy.want(there[first % len(there)], second)
        elif what == "leave" and there:
            desk.policy.leave(there.pop(first % len(there)))
        elif what == "wait":
            desk.now += first / 100
        placed = [entry for entry in desk.policy.entries if entry.state is State.PLACED]
        sequences = [entry.sequence for entry in placed]
        assert len(set(sequences)) == len(sequences) <= RULES.sequences
        assert desk.policy.free_cells == RULES.cells - sum(entry.cells for entry in placed) >= 0
        assert all(entry.sequence is None for entry in desk.policy.entries if entry.state is not State.PLACED)


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_whatever_happened_everyone_who_wants_is_served_in_the_end(
    steps: list[tuple[str, int, int, bool]],
) -> None:
    """Nobody is lost, and nobody waits for others who only think: they may hang."""
    desk = Desk()
    there: list[Entry] = []
    for what, first, second, person in steps:
        if what == "come":
            entry = desk.policy.enter(first, interactive=person)
            if isinstance(entry, Entry):
                desk.policy.want(entry, second)
                there.append(entry)
        elif what == "serve":
            desk.round()
        elif what == "leave" and there:
            desk.policy.leave(there.pop(first % len(there)))
        elif what == "wait":
            desk.now += first / 100
    for _ in range(200):
        if not any(entry.wanted for entry in there):
            break
        desk.now += 0.05
        desk.round()
    assert not any(entry.wanted for entry in there)


def test_a_high_priority_goes_first_and_a_low_one_waits() -> None:
    desk = Desk()
    low, normal = desk.come(wants=1, priority="low"), desk.come(wants=2)
    high = desk.come(wants=3, priority="high")
    for next_one in (high, normal, low):
        assert desk.batch() == [next_one]
        desk.policy.leave(next_one)


def test_a_low_priority_is_not_starved() -> None:
    desk = Desk()
    low = desk.come(priority="low")
    desk.now += RULES.handicap + 0.1
    desk.come(wants=2)
    assert desk.batch() == [low]


def test_a_priority_changes_while_its_request_waits() -> None:
    desk = Desk(Rules(sequences=1, cells=300))
    at_work = desk.come(wants=1)
    desk.round()
    first, second = desk.come(wants=1), desk.come(wants=1)
    desk.policy.renice(first, "low")
    desk.policy.renice(second, "high")
    desk.policy.leave(at_work)
    assert desk.batch() == [second]
    desk.policy.leave(second)
    assert desk.batch() == [first]


def test_a_person_of_low_priority_waits_like_background_work() -> None:
    desk = Desk()
    background = desk.come(interactive=False)
    person = desk.come(wants=2, priority="low")
    assert background.rank == person.rank
    assert desk.come(interactive=False, priority="high").rank == desk.now
