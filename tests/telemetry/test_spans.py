"""Spans as a collector gets them: the tree of real requests, nothing by default, and no harm by a collector that is ill."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from casava_os.boot import boot_kernel
from casava_os.daemon import route_of
from casava_os.kernel.events import ApprovalNeeded, StepStarted
from casava_os.kernel.options import RunOptions
from casava_os.kernel.run import Kernel
from casava_os.telemetry.wanted import wanted
from casava_syscalls.plan import Plan, parse_plan
from casava_syscalls.results import Ok
from tests.telemetry.conftest import Collector, Home, Manner, facts

OK, ERROR = 0, 2
"""Status codes as they go over the wire: not set, and failed."""


def test_a_request_with_the_shipped_model_is_a_tree(home: Home, collector: Collector) -> None:
    ran = home("run", "--yes", "delete the .tmp files", **collector.environment)
    assert ran.code == 0, ran.err
    root = collector.one("request")
    assert root.parent_span_id == b""
    assert collector.below(root) == ["compile", "sandbox", "file.find", "file.delete", "changeset", "commit"]
    assert {span.trace_id for span in collector.spans} == {root.trace_id}
    for span in collector.spans:
        assert root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= root.end_time_unix_nano
        assert span.status.code == OK
    told = facts(root)
    assert (told["casava.pid"], told["casava.outcome"], told["casava.state"]) == (1, "done", "committed")
    compiled = facts(collector.one("compile"))
    assert compiled["casava.plan.sha256"] == told["casava.plan.sha256"]
    assert compiled["casava.plan.compiled"] is True
    deleted = facts(collector.one("file.delete"))
    assert deleted["casava.effects"] == ["delete"]
    assert (deleted["casava.verdict"], deleted["casava.outcome"]) == ("ask", "ok")
    named = {one.key: one.value.string_value for one in collector.resources[0].resource.attributes}
    assert named["service.name"] == "casava-os"


def test_nothing_of_what_was_asked_is_told_unless_a_setting_says_so(home: Home, collector: Collector) -> None:
    asked = home("run", "--yes", "delete old.tmp", **collector.environment)
    assert asked.code == 0, asked.err
    sent = b"".join(collector.bodies)
    assert b"file.delete" in sent
    for word in (b"old.tmp", b"secret plans", str(home.home).encode(), b"delete old"):
        assert word not in sent
    told = home(
        "call", "file.find", "--name", "*.py", CASAVA_TELEMETRY__DETAILS="true", **collector.environment
    )
    assert told.code == 0
    assert facts(collector.one("file.find"))["casava.call"] == "file.find name=*.py"
    assert b"secret plans" in collector.bodies[-1]


def test_failures_and_what_is_done_later_have_spans(home: Home, collector: Collector) -> None:
    failed = home("call", "file.read", "--paths", "nowhere.txt", **collector.environment)
    assert failed.code == 1
    read = collector.one("file.read")
    assert read.status.code == ERROR
    assert facts(read)["error.type"] == "not-found"
    assert collector.one("request").status.code == ERROR
    assert home("call", "file.delete", "--paths", "old.tmp").code == 3
    assert home("commit", "2", **collector.environment).code == 0
    (commit,) = [span for span in collector.spans if span.name == "commit" and not span.parent_span_id]
    assert collector.below(commit) == ["commit"]
    assert home("undo", **collector.environment).code == 0
    (undo,) = [span for span in collector.spans if span.name == "undo" and not span.parent_span_id]
    assert facts(undo)["casava.pid"] == 2


def test_a_trace_of_others_goes_on_in_ours(home: Home, collector: Collector) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    environment = {**collector.environment, "TRACEPARENT": f"00-{trace}-{parent}-01"}
    environment |= {
        "OTEL_SERVICE_NAME": "mine",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=lab",
    }
    assert home("call", "file.find", **environment).code == 0
    root = collector.one("request")
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (trace, parent)
    named = {one.key: one.value.string_value for one in collector.resources[0].resource.attributes}
    assert (named["service.name"], named["deployment.environment.name"]) == ("mine", "lab")


@pytest.mark.parametrize("manner", ["slow", "garbage", "refuses"])
def test_a_collector_that_is_ill_harms_nothing(home: Home, collector: Collector, manner: Manner) -> None:
    collector.manner = manner
    ran = home("call", "file.find", "--name", "*.py", **collector.environment)
    assert (ran.code, ran.out.split(), ran.err) == (
        0,
        ["one.py", "two.py"],
        home("call", "file.find", "--name", "*.py").err,
    )
    assert not collector.spans
    assert "spans were thrown away" in home.log or manner == "refuses"
    assert home.log


def test_a_collector_that_is_not_there_is_noted_once(home: Home, free_port: int) -> None:
    ran = home("call", "file.find", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port}")
    assert ran.code == 0
    assert "Connection refused" in home.log
    assert "Connection refused" not in ran.err
    assert home.log.count("Connection refused") == 1


def test_the_console_is_standard_error(home: Home) -> None:
    ran = home("call", "file.find", "--name", "*.py", OTEL_TRACES_EXPORTER="console")
    assert ran.out.split() == ["one.py", "two.py"]
    spans = [json.loads(line) for line in ran.err.splitlines() if line.startswith('{"name"')]
    assert {span["name"] for span in spans} == {"request", "compile", "sandbox", "file.find"}


def test_wrong_words_in_the_environment_are_noted(home: Home, collector: Collector) -> None:
    wrong = {
        "OTEL_TRACES_EXPORTER": "jaeger",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "smoke",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
    }
    for name, value in wrong.items():
        ran = home("call", "file.find", **{**collector.environment, name: value})
        assert ran.code == 0, ran.err
    assert "'jaeger'" in home.log
    assert "'smoke'" in home.log
    assert "soon" in home.log or collector.spans  # the library may take its default for what is no number


def test_nothing_is_made_or_loaded_when_nobody_asks(home: Home, collector: Collector) -> None:
    program = (
        "import sys\nfrom casava_os.cli import main\nsys.argv = ['casava-os', 'call', 'file.find']\ncode = main()\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'opentelemetry', 'prometheus_client'}, loaded\nsys.exit(code)"
    )
    for environment in (
        {},
        {**collector.environment, "OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none"},
    ):
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=home.workspace, env={**home.env, **environment}, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert not collector.bodies
    assert not home.log


def test_what_the_environment_asks_for() -> None:
    assert wanted({}).exporters == ()
    assert wanted({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}).exporters == ()
    assert wanted({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}).exporters == ("otlp",)
    both = wanted({"OTEL_TRACES_EXPORTER": " console, otlp ,console", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert (both.exporters, both.protocol, both.problems) == (("console", "otlp"), "grpc", ())
    assert wanted({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "TRUE"}).exporters == ()


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1.41/containers/create?name=secret", "/containers/create"),
        ("/v1.41/containers/json?all=1", "/containers/json"),
        ("/containers/4f5e/start", "/containers/{id}/start"),
        ("/v1.43/images/registry.local/mine/thing/json", "/images/{id}/json"),
        ("/v1.41/networks/casava-x-default", "/networks/{id}"),
        ("/v1.41/volumes", "/volumes"),
        ("/version", "/version"),
        ("/v1.41/somebody/elses", "/{other}"),
    ],
)
def test_a_route_names_no_thing(path: str, route: str) -> None:
    assert route_of(path) == route


@pytest.fixture
def kernel(home: Home, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A kernel in this program, whose spans the collector gets when it is closed."""
    for name, text in {
        **collector.environment,
        "CASAVA_HOME": str(home.home),
        "CASAVA_SANDBOX": "bubblewrap",
    }.items():
        monkeypatch.setenv(name, text)
    booted = boot_kernel()
    assert isinstance(booted, Ok), booted
    yield booted.value
    booted.value.close()


def calls(*calls: dict[str, object]) -> Plan:
    parsed = parse_plan({"version": 1, "steps": list(calls)})
    assert isinstance(parsed, Ok), parsed
    return parsed.value


async def test_the_wait_for_an_answer_is_a_part_of_its_own(
    kernel: Kernel, home: Home, collector: Collector
) -> None:
    before: list[int] = []

    async def approve(_: ApprovalNeeded) -> bool:
        before.append(time.time_ns())
        await asyncio.sleep(0.05)
        before.append(time.time_ns())
        return True

    plan = calls({"call": "file.delete", "paths": ["old.tmp"]})
    ended = await kernel.run_plan(
        plan, workspace=home.workspace, options=RunOptions(approve=approve)
    ).finished()
    assert ended.exit_code == 0
    kernel.close()
    assert collector.below(collector.one("request")) == [
        "compile", "sandbox", "file.delete", "changeset", "approval", "commit",
    ]  # fmt: skip
    approval, commit = collector.one("approval"), collector.one("commit")
    assert approval.start_time_unix_nano <= before[0]
    assert before[1] <= approval.end_time_unix_nano <= commit.start_time_unix_nano
    assert facts(approval)["casava.approval.kind"] == "changeset"


async def test_what_is_interrupted_has_ended_spans(kernel: Kernel, home: Home, collector: Collector) -> None:
    running = kernel.run_plan(
        calls({"call": "process.run", "command": "sleep 1000"}),
        workspace=home.workspace,
        options=RunOptions(yes=True),
    )
    async for event in running:
        if isinstance(event, StepStarted):
            running.cancel()
    kernel.close()
    step, root = collector.one("process.run"), collector.one("request")
    assert step.parent_span_id == root.span_id
    assert facts(step)["error.type"] == facts(root)["error.type"] == "interrupted"
    assert (step.status.code, root.status.code) == (ERROR, ERROR)
    assert facts(root)["casava.outcome"] == "interrupted"


async def test_many_at_once_are_trees_of_their_own(kernel: Kernel, home: Home, collector: Collector) -> None:
    plan = calls({"call": "file.find", "name": "*.py"}, {"call": "file.count", "paths": "$1"})
    ends = await asyncio.gather(
        *(kernel.run_plan(plan, workspace=home.workspace).finished() for _ in range(6))
    )
    assert {end.exit_code for end in ends} == {0}
    kernel.close()
    roots = [span for span in collector.spans if span.name == "request"]
    assert {facts(root)["casava.pid"] for root in roots} == {end.pid for end in ends}
    assert len({root.trace_id for root in roots}) == 6
    for root in roots:
        assert collector.below(root) == ["compile", "sandbox", "file.find", "file.count"]
