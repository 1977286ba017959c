"""Models behind an endpoint: real HTTP on this machine, answering well, badly, late, endlessly or not at all."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from casava_os.kernel.ports import CompileRequest, Draft
from casava_os.model.chat.answer import UNKNOWN_CONFIDENCE, invented, schema
from casava_os.model.chat.endpoint import Address, EndpointModel
from casava_os.model.chat.prompt import EXAMPLES, prefix, signature, system_text
from casava_syscalls.plan import parse_plan
from casava_syscalls.registry import SYSCALLS, available
from casava_syscalls.results import Err, Ok
from tests.model.server import Answer, Endpoint, events, serving, status

LIST = '{"steps": [{"call": "file.list", "path": "docs"}]}'
KEY = "sk-very-secret-0123456789"


def ask(endpoint: Endpoint, text: str = "list docs", **settings: float) -> Draft | Err:
    model = EndpointModel(
        Address(endpoint.url, "tiny", lambda: KEY),
        sleep=lambda seconds: None,
        **settings,  # type: ignore[arg-type]
    )
    try:
        result = model.compile(CompileRequest(text, available(), names=("notes.txt",)))
    finally:
        model.close()
    return result.value if isinstance(result, Ok) else result


def test_an_answer_in_pieces_becomes_a_draft() -> None:
    with serving(events(LIST[:9], LIST[9:20], LIST[20:], logprobs=[-0.01, -0.7, -0.02])) as endpoint:
        drafted = ask(endpoint)
    assert isinstance(drafted, Draft)
    assert drafted.steps == ({"call": "file.list", "path": "docs"},)
    assert drafted.confidence == pytest.approx(0.4966, abs=1e-3)
    assert drafted.tokens == 3
    (asked,) = endpoint.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.body["temperature"] == 0
    messages = asked.body["messages"]
    assert isinstance(messages, list)
    assert messages[0]["role"] == "system"
    assert "Request: list docs" in messages[-1]["content"]
    assert "notes.txt" in messages[-1]["content"]


def test_a_server_without_probabilities_streaming_or_schema_will_do() -> None:
    whole = json.dumps({"choices": [{"message": {"content": f"```json\n{LIST}\n```"}}]})
    with serving(status(400, "unknown field response_format"), status(200, whole)) as endpoint:
        drafted = ask(endpoint)
    assert isinstance(drafted, Draft)
    assert drafted.confidence == UNKNOWN_CONFIDENCE
    assert "response_format" in endpoint.asked[0].body
    assert "response_format" not in endpoint.asked[1].body


def test_a_busy_server_is_asked_again_and_a_broken_one_not_forever() -> None:
    with serving(status(503), status(429, "", Retry_After="1"), events(LIST)) as endpoint:
        assert isinstance(ask(endpoint), Draft)
        assert len(endpoint.asked) == 3
    with serving(status(500, "kaput")) as endpoint:
        failed = ask(endpoint)
        assert isinstance(failed, Err)
        assert failed.code == "no-model"
        assert "500: kaput" in failed.message
        assert len(endpoint.asked) == 3


def _never(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


def _hangs_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


def _endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    event = f"data: {json.dumps({'choices': [{'delta': {'content': 'x' * 1000}}]})}\n\n".encode()
    while True:
        handler.wfile.write(event)


def _drips(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(f"data: {json.dumps({'choices': [{'delta': {'content': ' '}}]})}\n\n".encode())
        handler.wfile.flush()
        time.sleep(0.05)


def _no_line(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


BAD: dict[str, tuple[Answer, str, str]] = {
    "a wrong key": (status(401, "bad key"), "no-model", "does not accept the key"),
    "no such model": (status(404), "no-model", "has no model 'tiny'"),
    "a redirect": (status(302, "", Location="http://elsewhere.invalid/"), "no-model", "302"),
    "no plan": (events("Sure! Here is a poem."), "not-understood", "not JSON"),
    "another JSON": (events('{"answer": 42}'), "not-understood", "no steps"),
    "steps that are none": (events('{"steps": ["ls"]}'), "not-understood", "no steps"),
    "nothing": (events(), "not-understood", "not JSON"),
    "an error event": (status(200, 'data: {"error": {"message": "out of memory"}}\n\n'), "no-model", "out of memory"),
    "silence": (_never, "timeout", "in time"),
    "a hung up line": (_hangs_up, "no-model", "cannot be reached"),
    "an endless answer": (_endless, "limit", "more than any plan"),
    "an endless line": (_no_line, "limit", "more than any plan"),
    "a slow drip": (_drips, "timeout", "went on"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_server_is_an_error_with_its_address_and_a_next_step(kind: str) -> None:
    answer, code, says = BAD[kind]
    with serving(answer) as endpoint:
        failed = ask(endpoint, silence=0.4, total=0.8)
    assert isinstance(failed, Err)
    assert failed.code == code
    assert says in failed.message
    assert failed.hint
    assert KEY not in str(failed)
    if code == "no-model":
        assert endpoint.url in failed.message


def test_nobody_listening_is_said_so() -> None:
    failed = ask(Endpoint("http://127.0.0.1:9/v1", []))
    assert isinstance(failed, Err)
    assert "cannot be reached" in failed.message


def test_the_key_is_in_no_representation() -> None:
    assert KEY not in repr(Address("http://x/v1", "m", lambda: KEY))


def test_a_password_in_the_address_is_shown_to_nobody() -> None:
    address = Address("http://me:hunter2@127.0.0.1:9/v1", "tiny")
    model = EndpointModel(address, sleep=lambda seconds: None)
    failed = model.compile(CompileRequest("list", available()))
    model.close()
    assert isinstance(failed, Err)
    assert "hunter2" not in str(failed) + model.identity
    assert "http://127.0.0.1:9/v1" in failed.message


def test_cancelling_ends_the_answer_between_two_pieces() -> None:
    stop = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        stop.set()
        _drips(handler)

    with serving(answer) as endpoint:
        model = EndpointModel(Address(endpoint.url, "tiny"))
        began = time.monotonic()
        result = model.compile(CompileRequest("list", available()), stop.is_set)
        assert isinstance(result, Err)
        assert result.code == "interrupted"
        assert time.monotonic() - began < 1.5
        model.close()


def test_an_invented_argument_takes_all_confidence() -> None:
    with serving(events('{"steps": [{"call": "file.delete", "paths": ["/etc/passwd"]}]}')) as endpoint:
        drafted = ask(endpoint, "tidy up")
    assert isinstance(drafted, Draft)
    assert drafted.confidence == 0.0


@pytest.mark.parametrize(
    ("text", "step", "stray"),
    [
        ("show notes.txt in docs", {"call": "file.read", "paths": ["docs/notes.txt"]}, 0),
        ("delete the tmp files", {"call": "file.find", "name": "*.tmp"}, 0),
        ("read it", {"call": "file.read", "paths": ["there.md"]}, 0),
        ("read the notes", {"call": "file.read", "paths": ["note"]}, 1),
        ("search for TODO", {"call": "text.search", "pattern": "FIXME"}, 1),
        ("list it", {"call": "file.list", "path": "$1"}, 0),
        ("make a link a to b", {"call": "file.link", "target": "b", "path": "c"}, 1),
    ],
)
def test_arguments_come_from_the_request_or_the_workspace(
    text: str, step: dict[str, object], stray: int
) -> None:
    request = CompileRequest(text, available(), names=("there.md",))
    assert len(list(invented([step], request))) == stray


def test_the_examples_are_plans_and_the_prompt_names_what_is_offered() -> None:
    for text, piped, steps in EXAMPLES:
        parsed = parse_plan({"version": 1, "request": text, "steps": list(steps), "reads_stdin": piped})
        assert isinstance(parsed, Ok), parsed
    offered = frozenset({"file.find", "file.list", "ask"})
    told = system_text(offered)
    assert [line.split("(")[0] for line in told.splitlines() if ") -> " in line] == [
        n for n in SYSCALLS if n in offered
    ]
    assert "file.delete(" not in told
    assert all("file.delete" not in message["content"] for message in prefix(offered)[1:])
    assert signature("file.count").startswith("file.count(paths: [path]|$N) -> Number: ")


def test_the_schema_holds_the_offered_calls_and_takes_the_examples() -> None:
    made = schema(frozenset({"file.find", "ask"}))
    steps = made["properties"]["steps"]["items"]["anyOf"]  # type: ignore[index]
    assert [one["properties"]["call"]["const"] for one in steps] == ["file.find", "ask"]
