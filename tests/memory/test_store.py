"""The store: several programs at once, killed programs, damaged files, and forgetting without a trace."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from casava_os.kernel.journal import Journal
from casava_os.memory import ledger as ledger_module
from casava_os.memory.faults import MemoryFaultError
from casava_os.memory.ledger import Ledger
from casava_os.memory.ports import Entry, Filter
from casava_os.memory.service import Remembrance, Retention
from casava_os.memory.store import ASIDE, LEDGER, MemoryStore
from casava_syscalls.results import Err, Ok
from tests.memory.conftest import Hashing, plan_of, ran

FIND = {"call": "file.find", "extension": ["tmp"]}
DELETE = {"call": "file.delete", "paths": "$1"}


def entry(number: int, text: str, **more: object) -> Entry:
    return Entry(f"e{number}", "episodes", text, "/w", float(number), number, **more)  # type: ignore[arg-type]


def bytes_below(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_entries_come_back_as_they_were(memory: Remembrance) -> None:
    kept = [
        entry(1, "find the tmp files", payload={"state": "done", "lines": ["a"]}),
        entry(2, "👩‍👩‍👧 اعثر على الملفات ‎مؤقتة", tainted=True, provenance="file", source="a/b"),
    ]
    memory.store.put(kept)
    assert memory.store.get(["e2", "e1", "e9"]) == [kept[1], kept[0]]
    assert list(memory.store.entries(Filter(trusted=True))) == [kept[0]]


def test_nothing_is_made_before_something_is_remembered(memory: Remembrance) -> None:
    assert memory.store.count() == 0
    assert memory.proven("find tmp files", "/w", reads_stdin=False) is None
    assert memory.alike("find", "/w", since=None, until=None) == ()
    assert not memory.store.root.exists()


def test_words_find_other_forms_of_themselves(memory: Remembrance) -> None:
    memory.store.put([entry(1, "delete the temporary files"), entry(2, "compress the photos")])
    found = memory.store.lexical(["deleting", "file"])
    assert [one.entry.id for one in found] == ["e1"]
    assert memory.store.lexical(['"', "*", "NEAR(", "AND"]) == []


def test_a_narrow_filter_finds_what_stands_far_behind(memory: Remembrance) -> None:
    many = [replace(entry(n, "show the logs, the logs"), workspace="/a") for n in range(1, 1500)]
    memory.store.put([*many, replace(entry(0, f"show the logs {'of another place ' * 9}"), workspace="/b")])
    (found,) = memory.store.lexical(["logs", "show"], Filter(workspace="/b"), limit=5)
    assert found.entry.id == "e0"
    assert len(memory.store.lexical(["logs"], limit=7)) == 7
    assert memory.store.lexical(["logs"], Filter(workspace="/c"), limit=7) == []


def test_of_words_that_are_all_frequent_the_rarest_is_searched(
    memory: Remembrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "MATCHES", 20)
    memory.store.put([entry(n, "alpha" if n % 3 else "alpha omega") for n in range(100)])
    assert {one.entry.text for one in memory.store.lexical(["alpha", "omega"])} == {"alpha omega"}


def test_vectors_find_the_nearest_and_follow_filters(memory: Remembrance, embedder: Hashing) -> None:
    memory.store.put([entry(n, f"count the lines of report {n}") for n in range(30)])
    memory.store.put([entry(50, "compress the holiday photos", tainted=True)])
    vector = embedder.embed(["compress holiday photo"])[0]
    assert memory.store.dense(vector, limit=3)[0].entry.id == "e50"
    assert all(one.entry.id != "e50" for one in memory.store.dense(vector, Filter(trusted=True), limit=3))
    assert {one.entry.id for one in memory.store.dense(vector, Filter(until=10.0), limit=99)} == {
        f"e{n}" for n in range(10)
    }


def test_an_entry_that_changes_is_found_by_what_it_says_now(memory: Remembrance, embedder: Hashing) -> None:
    memory.store.put([entry(1, "sort the names"), entry(2, "stop the web server")])
    memory.store.dense(embedder.embed(["x"])[0])
    memory.store.put([entry(1, "rename the pictures")])
    best = memory.store.dense(embedder.embed(["rename the pictures"])[0], limit=1)[0]
    assert (best.entry.id, best.entry.text) == ("e1", "rename the pictures")
    assert memory.store.lexical(["sort"]) == []


def test_another_embedding_model_embeds_all_again(
    memory: Remembrance, embedder: Hashing, tmp_path: Path
) -> None:
    memory.store.put([entry(n, f"request {n}") for n in range(5)])
    memory.store.index()
    memory.close()
    other = Hashing()
    other.digest = "another"
    told: list[tuple[int, int]] = []
    store = MemoryStore(tmp_path / "memory", lambda: other)
    assert store.index(lambda done, total: told.append((done, total)))
    assert (other.embedded, told[-1]) == (5, (5, 5))
    assert len(store.dense(other.embed(["request 3"])[0], limit=9)) == 5
    store.close()


def test_without_an_embedding_model_words_still_find(tmp_path: Path) -> None:
    store = MemoryStore(tmp_path / "memory")
    store.put([entry(1, "sort the names")])
    assert store.dense([0.0] * 64) == []
    assert [one.entry.id for one in store.lexical(["names"])] == ["e1"]
    store.close()


# ------------------------------------------------------------------------------------------------ many programs

WRITER = """
import sys
from pathlib import Path
from casava_os.memory.ledger import Ledger
from casava_os.memory.ports import Entry
root, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
ledger = Ledger.open(root / "ledger.sqlite")
for n in range(count):
    ledger.put([Entry(f"f{name}.{n}", "facts", f"fact {n} of writer {name}", "/w", float(n))])
    print(n, flush=True)
"""


def test_eight_programs_that_remember_a_hundred_things_each_lose_none(tmp_path: Path) -> None:
    root = tmp_path / "memory"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(root), str(n), "100"], stdout=subprocess.DEVNULL)
        for n in range(8)
    ]
    assert [writer.wait(240) for writer in writers] == [0] * 8
    embedder = Hashing()
    store = MemoryStore(root, lambda: embedder)
    assert store.count() == 800
    assert store.whole()
    assert len(store.dense(embedder.embed(["fact"])[0], limit=1000)) == 800
    store.close()


def test_a_program_that_is_killed_loses_at_most_the_entry_in_flight(tmp_path: Path) -> None:
    root = tmp_path / "memory"
    for name in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root), str(name), "100000"], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(20 + 7 * name):
            said = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        said = max([said, *(int(line) for line in writer.stdout.read().splitlines() if line.isdigit())])
        writer.stdout.close()
        writer.wait()
        ledger = Ledger.open(root / LEDGER)
        kept = {one for one, _ in ledger.texts() if one.startswith(f"f{name}.")}
        assert {f"f{name}.{n}" for n in range(said + 1)} <= kept
        assert len(kept) <= said + 2
        assert ledger.whole()
        ledger.close()


INDEXER = """
import sys
from pathlib import Path
from casava_os.memory.store import MemoryStore
from tests.memory.conftest import Hashing
embedder = Hashing()
store = MemoryStore(Path(sys.argv[1]), lambda: embedder)
for n in range(int(sys.argv[2])):
    found = store.dense(embedder.embed([f"fact {n}"])[0], limit=3)
    assert all(one.entry.text for one in found)
print(len(store.dense(embedder.embed(["fact"])[0], limit=2000)))
store.close()
"""


def test_programs_that_search_while_others_write_find_and_break_nothing(tmp_path: Path) -> None:
    root, here = tmp_path / "memory", {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    MemoryStore(root).put([entry(1, "fact 1")])
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(root), str(n), "60"], stdout=subprocess.DEVNULL)
        for n in range(2)
    ]
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", INDEXER, str(root), "10"], env=here, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    assert [one.wait(240) for one in writers] == [0] * 2
    assert [one.wait(240) for one in readers] == [0] * 3
    for reader in readers:
        assert reader.stdout is not None
        reader.stdout.close()
    embedder = Hashing()
    store = MemoryStore(root, lambda: embedder)
    assert len(store.dense(embedder.embed(["fact"])[0], limit=2000)) == 121
    assert not (root / ASIDE).exists()
    store.close()


# ------------------------------------------------------------------------------------------------ made again


def furnish(memory: Remembrance, journal: Journal) -> list[int]:
    pids = [
        ran(journal, "find tmp files", plan_of(FIND)),
        ran(
            journal,
            "delete the .tmp files older than 2 weeks",
            plan_of({**FIND, "older_than": 1209600}, DELETE),
            state="committed",
        ),
        ran(journal, "what now", None),
        ran(
            journal,
            "memory.remember text=x",
            plan_of({"call": "memory.remember", "text": "the red disk has backups"}),
            model="",
        ),
        ran(
            journal,
            "export API_TOKEN=abcdef123456 and run it",
            plan_of({"call": "process.run", "command": "env"}),
        ),
    ]
    for pid in pids:
        assert memory.keep(pid) is None
    return pids


def test_memory_made_again_from_the_journal_is_the_same(memory: Remembrance, journal: Journal) -> None:
    furnish(memory, journal)
    before = list(memory.store.entries())
    assert {one.collection for one in before} == {"episodes", "facts", "plans"}
    assert memory.remake() == Ok(value=len(before))
    assert list(memory.store.entries()) == before


@pytest.mark.parametrize("harm", ["garbage", "truncated", "half", "other-version", "empty-pages"])
def test_a_damaged_ledger_is_put_aside_and_made_again(
    memory: Remembrance, journal: Journal, harm: str
) -> None:
    furnish(memory, journal)
    before = list(memory.store.entries())
    memory.store.close()
    path = memory.store.root / LEDGER
    data = path.read_bytes()
    for log in path.parent.glob(f"{LEDGER}-*"):
        log.unlink()
    match harm:
        case "garbage":
            path.write_bytes(b"\x00\xffno database at all" * 500)
        case "truncated":
            path.write_bytes(data[:700])
        case "half":
            path.write_bytes(data[: len(data) // 2])
        case "other-version":
            path.write_bytes(data[:60] + struct.pack(">I", 99) + data[64:])
        case _:
            path.write_bytes(data[:4096] + bytes(len(data) - 4096))
    assert list(memory.store.entries()) == before
    assert "put aside" in memory.store.notices[0]
    aside = list((memory.store.root / ASIDE).rglob(LEDGER))
    assert len(aside) == 1
    assert memory.store.whole()


def test_a_damaged_index_is_made_again(memory: Remembrance, journal: Journal, embedder: Hashing) -> None:
    furnish(memory, journal)
    vector = embedder.embed(["find tmp files"])[0]
    before = [one.entry.id for one in memory.store.dense(vector)]
    memory.store.close()
    for path in memory.store.root.glob("index-*/**/*"):
        if path.is_file():
            path.write_bytes(b"nonsense" * 100)
    assert [one.entry.id for one in memory.store.dense(vector)] == before
    assert "index" in memory.store.notices[0]


def test_what_a_killed_program_did_not_hand_on_is_remembered_later(
    memory: Remembrance, journal: Journal
) -> None:
    furnish(memory, journal)
    late = ran(journal, "count the pictures", plan_of({"call": "file.find", "extension": ["jpg"]}))
    found = memory.search("pictures")
    assert isinstance(found, Ok)
    assert {one.entry.pid for one in found.value} == {late}


# ------------------------------------------------------------------------------------------------ forgetting


def test_what_is_forgotten_is_in_no_byte_of_memory(
    memory: Remembrance, journal: Journal, embedder: Hashing
) -> None:
    pids = furnish(memory, journal)
    secret = "zanzibar quokka 7741"
    pids += [
        ran(journal, f"find {secret} in the notes", plan_of({"call": "file.find", "contains": secret}))
        for _ in range(3)
    ]
    for pid in pids[-3:]:
        memory.keep(pid)
    memory.store.index()
    vector = struct.pack(f"<{embedder.dimensions}f", *embedder.embed([f"find {secret} in the notes"])[0])
    ledger = memory.store.root / LEDGER
    held = b"".join(bytes_below(memory.store.root).values())
    assert secret.encode() in held
    assert vector in held
    about = memory.about("zanzibar quokka")
    assert isinstance(about, Ok)
    assert len(about.value) == 6  # three episodes, three plans
    assert memory.forget([one.id for one in about.value]) == Ok(value=6)
    # While it is open, and after it was used again and closed.
    for _ in range(2):
        for path, data in bytes_below(memory.store.root).items():
            for word in (b"zanzibar", b"quokka", b"7741", vector):
                assert word not in data, path
        assert ledger.exists()
        assert len(memory.store.dense(embedder.embed(["find tmp"])[0])) == memory.store.count()
        memory.store.close()
    # Made again from the journal, which still has it, it does not come back.
    assert isinstance(memory.remake(), Ok)
    assert memory.about("zanzibar") == Ok(value=[])
    assert memory.proven(f"find {secret} in the notes", "/w", reads_stdin=False) is None


def test_an_episode_and_the_plan_it_proved_go_together(memory: Remembrance, journal: Journal) -> None:
    first, *_ = furnish(memory, journal)
    assert memory.forget([f"p{first}"]) == Ok(value=2)
    assert memory.store.get([f"e{first}", f"p{first}"]) == []
    assert memory.forget(["e999"]) == Ok(value=0)


def test_forgetting_takes_what_was_put_aside_with_it(memory: Remembrance, journal: Journal) -> None:
    pid, *_ = furnish(memory, journal)
    memory.store.close()
    path = memory.store.root / LEDGER
    path.write_bytes(path.read_bytes()[:9000])
    list(memory.store.entries())
    assert (memory.store.root / ASIDE).exists()
    memory.forget([f"e{pid}"])
    assert not (memory.store.root / ASIDE).exists()


def test_what_is_older_than_the_person_wants_goes(memory: Remembrance, journal: Journal) -> None:
    old = ran(journal, "an old request", plan_of(FIND))
    journal._connection.execute(
        "UPDATE processes SET created = ? WHERE pid = ?", (time.time() - 90 * 86_400, old)
    )
    new = ran(journal, "a new request", plan_of(FIND))
    memory.retention = Retention(days=30)
    for pid in (old, new):
        memory.keep(pid)
    assert isinstance(memory.remake(), Ok)
    assert {one.pid for one in memory.store.entries()} == {new}
    memory.retention = Retention(entries=1)
    memory.keep(ran(journal, "a third request", plan_of(FIND)))
    memory._prune()
    assert [one.text for one in memory.store.entries(Filter(("episodes",)))] == ["a third request"]


# ------------------------------------------------------------------------------------------------ trouble


def test_a_full_disk_is_said_and_breaks_nothing(memory: Remembrance, journal: Journal) -> None:
    pid, *_ = furnish(memory, journal)
    ledger, _ = memory.store._parts()
    pages = ledger._connection.execute("PRAGMA page_count").fetchone()[0]
    ledger._connection.execute(f"PRAGMA max_page_count = {pages}")
    problem = None
    for _ in range(40):
        problem = memory.keep(ran(journal, "x" * 3000, plan_of(FIND)))
        if problem is not None:
            break
    assert isinstance(problem, Err)
    assert problem.code == "disk-full"
    assert memory.store.get([f"e{pid}"])
    assert memory.store.whole()


def test_a_store_that_cannot_be_made_is_said(tmp_path: Path, journal: Journal) -> None:
    (tmp_path / "memory").write_text("a file where the folder should be")
    memory = Remembrance(MemoryStore(tmp_path / "memory"), journal)
    problem = memory.keep(ran(journal, "find tmp files", plan_of(FIND)))
    assert isinstance(problem, Err)
    with pytest.raises(MemoryFaultError):
        Ledger.open(tmp_path / "memory" / LEDGER)


def test_a_clock_that_jumps_loses_and_reorders_nothing_that_matters(
    memory: Remembrance, journal: Journal
) -> None:
    pids = furnish(memory, journal)
    for pid, created in zip(pids, (4e9, 0.0, 1e9, -5.0, 2e9), strict=True):
        journal._connection.execute("UPDATE processes SET created = ? WHERE pid = ?", (created, pid))
        memory.keep(pid)
    listed = memory.listed(Filter(("episodes",)))
    assert isinstance(listed, Ok)
    assert len(listed.value) == 4
    assert isinstance(memory.remake(), Ok)
    assert memory.listed(Filter(("episodes",))) == listed


def test_a_very_long_and_a_very_strange_text(memory: Remembrance, embedder: Hashing) -> None:
    texts = [
        "word " * 200_000,
        "\u202eمرحبا\u202c 🇩🇪🏴‍☠️",  # noqa: RUF001
        "a\x00b",
        "\ud800".encode("utf-8", "backslashreplace").decode(),
        "",
    ]
    memory.store.put([entry(n, text) for n, text in enumerate(texts)])
    assert [one.text for one in memory.store.get([f"e{n}" for n in range(5)])] == texts
    assert memory.store.lexical(["مرحبا"])[0].entry.id == "e1"
    assert len(memory.store.dense(embedder.embed([""])[0])) == 5
