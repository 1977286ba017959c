"""Chat models are shown what did like requests before: few, short, the person's own, after the prefix that is kept, and told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from casava_os.kernel.events import Note
from casava_os.kernel.joined import JoinedBroker
from casava_os.kernel.options import RunOptions
from casava_os.memory.broker import MemoryBroker
from casava_os.memory.exchange import entries_of_lines, lines_of
from casava_os.memory.ports import Filter
from casava_os.memory.retrieval import hybrid
from casava_os.memory.service import Remembrance, remaker
from casava_os.memory.store import MemoryStore
from casava_os.model.chat.endpoint import Address, EndpointModel
from casava_os.model.chat.prompt import prefix
from casava_os.model.scripted import Script
from casava_syscalls.results import Ok
from tests.kernel.doubles import Bench, finished, of
from tests.memory.conftest import Hashing
from tests.memory.test_walk import memory_of, said
from tests.model.server import Endpoint, events, serving

UPTIME = {"call": "system.uptime"}
SCRIPT: dict[str, Script] = {
    "how long is it up": [UPTIME],
    "how long has the machine been up": [UPTIME],
    "how long are the sizes of it up here": [{"call": "system.memory"}],
    "print my zone": [{"call": "system.time"}],
    "show how long the file is that list.txt says": [
        {"call": "file.read", "paths": ["list.txt"]},
        {"call": "process.run", "command": "wc", "stdin": "$1"},
    ],
    "write how long it is into up.txt": [
        {"call": "file.write", "path": "up.txt", "content": "how long it is"}
    ],
    "how long is it up " + "and " * 200 + "so on": [UPTIME, {"call": "system.time"}],
}
ASK = "how long is it up now?"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, SCRIPT)
    store = MemoryStore(tmp_path / "memory", Hashing, remaker(made.kernel.journal))
    memory = Remembrance(store, made.kernel.journal, retrieve=hybrid)
    made.kernel.memory = memory
    made.kernel.broker = JoinedBroker((made.kernel.broker, MemoryBroker(memory)))
    (made.workspace / "list.txt").write_text("a.txt")
    yield made
    made.kernel.close()


@pytest.fixture
def served(bench: Bench) -> Iterator[Endpoint]:
    """The kernel's model from the second request on."""
    with serving(events(json.dumps({"steps": [UPTIME]}), logprobs=[-0.001])) as endpoint:
        scripted = bench.kernel.load_model
        model = EndpointModel(Address(endpoint.url, "tiny"))
        bench.kernel.load_model = lambda name: Ok(value=model) if name == "served" else scripted(name)
        yield endpoint


SERVED = RunOptions(yes=True, model="served")


def messages(endpoint: Endpoint) -> list[dict[str, str]]:
    found = endpoint.asked[-1].body["messages"]
    assert isinstance(found, list)
    return found


def shown(endpoint: Endpoint) -> str:
    """The last message: the request with all that is particular to it."""
    return messages(endpoint)[-1]["content"]


async def test_like_requests_come_with_their_plans_after_the_prefix(bench: Bench, served: Endpoint) -> None:
    await said(bench, "how long is it up")
    await said(bench, "print my zone")
    told = await said(bench, ASK, SERVED)
    assert finished(told).exit_code == 0
    text = shown(served)
    assert '"how long is it up" -> {"steps":[{"call":"system.uptime"}]}' in text
    assert "zone" not in text
    assert text.index("how long is it up") < text.index(f"Request: {ASK}")
    # What the model has evaluated for every request is as it was.
    assert messages(served)[:-1] == prefix(bench.kernel.offered(qualified=False))
    assert "request 1" in of(Note, told)[0].text
    notes = [one.body.get("text") for one in bench.kernel.journal.records(3) if one.kind == "note"]
    assert any("shown the proven plans of request 1" in str(one) for one in notes)


async def test_each_plan_is_shown_once_and_a_long_one_never(bench: Bench, served: Endpoint) -> None:
    for request in list(SCRIPT)[:3] + list(SCRIPT)[-1:]:
        await said(bench, request, replace(SERVED, model=None, cache=False))
    await said(bench, ASK, SERVED)
    assert shown(served).count('"system.uptime"') == 1
    assert shown(served).count("->") <= 3
    assert "and and" not in shown(served)


@pytest.mark.parametrize("options", [replace(SERVED, memory=False), replace(SERVED, cache=False)])
async def test_none_are_shown_when_the_person_says_so(
    bench: Bench, served: Endpoint, options: RunOptions
) -> None:
    await said(bench, "how long is it up")
    told = await said(bench, ASK, options)
    assert "->" not in shown(served)
    assert not [note for note in of(Note, told) if "example" in note.text]


async def test_what_untrusted_text_had_a_part_in_is_no_example(bench: Bench, served: Endpoint) -> None:
    tainted = await said(bench, "show how long the file is that list.txt says")
    assert finished(tainted).state in ("done", "committed")
    (episode,) = memory_of(bench).store.entries(Filter(("episodes",)))
    assert episode.tainted
    await said(bench, "how long is it up")
    (plan,) = memory_of(bench).store.entries(Filter(("plans",)))
    evil = json.loads(next(iter(lines_of([plan]))))
    evil["payload"]["plan"]["steps"] = [{"call": "system.memory"}]
    entries = entries_of_lines(json.dumps(evil), "evil.jsonl")
    assert isinstance(entries, Ok)
    memory_of(bench).put(entries.value)
    memory_of(bench).forget([plan.id])
    for request in ("show how long the file is, the one list.txt says", ASK):
        await said(bench, request, replace(SERVED, plan_only=True))
        assert "->" not in shown(served)


async def test_a_plan_that_was_undone_is_no_example(bench: Bench, served: Endpoint) -> None:
    await said(bench, "write how long it is into up.txt")
    await said(bench, "write how long it is in the up.txt", SERVED)
    assert "->" in shown(served)
    async for _ in bench.kernel.undo(1):
        pass
    await said(bench, "write how long it is in the up.txt", SERVED)
    assert '"path":"up.txt"' not in shown(served)


async def test_a_model_elsewhere_is_shown_none_unless_the_settings_say_so(bench: Bench) -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(json.loads(request.content)["messages"][-1]["content"])
        return httpx2.Response(
            200, json={"choices": [{"message": {"content": json.dumps({"steps": [UPTIME]})}}]}
        )

    await said(bench, "how long is it up")
    away = EndpointModel(Address("https://models.example/v1", "tiny"), transport=httpx2.MockTransport(answer))
    bench.kernel.load_model = lambda _: Ok(value=away)
    await said(bench, ASK, SERVED)
    assert "->" not in asked[-1]
    bench.kernel.examples = "all"
    await said(bench, ASK, SERVED)
    assert "->" in asked[-1]
    bench.kernel.examples = "none"
    await said(bench, ASK, SERVED)
    assert "->" not in asked[-1]


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://localhost.example/v1", False),
        ("http://127.0.0.1@models.example/v1", False),
        ("https://10.0.0.1/v1", False),
    ],
)
def test_which_addresses_are_on_this_machine(url: str, local: bool) -> None:
    model = EndpointModel(Address(url, "tiny"))
    assert model.local is local
    model.close()


async def test_without_an_embedding_model_words_find_examples(
    bench: Bench, served: Endpoint, tmp_path: Path
) -> None:
    store = MemoryStore(tmp_path / "memory2")
    bench.kernel.memory = Remembrance(store, bench.kernel.journal)
    await said(bench, "how long is it up")
    await said(bench, "print my zone")
    await said(bench, ASK, SERVED)
    assert "system.uptime" in shown(served)
    assert "system.time" not in shown(served)
