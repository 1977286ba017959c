"""What a person sees of events, for outcomes that need a model to come about: told here as events."""

from __future__ import annotations

import io

import pytest

from casava_os.cli.output import Output
from casava_os.cli.screen import Screen
from casava_os.cli.show import Show
from casava_os.kernel.events import (
    Asked,
    BaseEvent,
    Compiled,
    Failed,
    Finished,
    Judged,
    PlanStep,
    Refused,
    StepFinished,
)
from casava_os.kernel.events import Output as Printed
from casava_os.kernel.policy import Ask, Deny
from casava_os.shell.wording import size_text
from casava_syscalls.results import Err
from casava_syscalls.values import AnyValue, Entry, Exit, Files, Number, Question, Refusal


def seen(capsys: pytest.CaptureFixture[str], *events: BaseEvent) -> tuple[str, str]:
    """(stdout, stderr) of these events."""
    stream = io.BytesIO()
    show = Show(Screen(), Output(stream, tty=False))
    for event in events:
        show.event(event)
    return stream.getvalue().decode(), capsys.readouterr().err


def compiled(*calls: tuple[str, tuple[str, ...]]) -> Compiled:
    steps = tuple(
        PlanStep(number=number, line=call, call={"call": call}, effects=effects)
        for number, (call, effects) in enumerate(calls, 1)
    )
    return Compiled(steps=steps, plan={}, sha256="")


FILES = Files(items=(Entry(path="a"),))


@pytest.mark.parametrize(
    ("event", "value", "out"),
    [
        (Asked(question=Question(text="Which?")), Question(text="Which?"), "Which?\n"),
        (Refused(refusal=Refusal(reason="No.")), Refusal(reason="No."), "No.\n"),
    ],
)
def test_a_question_and_a_refusal_are_the_result(
    capsys: pytest.CaptureFixture[str], event: BaseEvent, value: AnyValue, out: str
) -> None:
    assert seen(capsys, event, Finished(exit_code=5, state="done", value=value)) == (out, "")


@pytest.mark.parametrize(
    ("calls", "value", "out"),
    [
        ([("file.find", ("read",))], FILES, "a\n"),
        ([("file.delete", ("delete",))], FILES, ""),
        ([("file.find", ("read",)), ("file.move", ("write", "delete"))], FILES, ""),
        ([("file.write", ("write",)), ("file.count", ("read",))], Number(value=2), "2\n"),
        ([("process.run", ("read", "write", "delete", "execute"))], Exit(code=0, stdout="x\n"), "x\n"),
    ],
)
def test_the_last_step_is_the_result_unless_it_is_a_change(
    capsys: pytest.CaptureFixture[str], calls: list[tuple[str, tuple[str, ...]]], value: AnyValue, out: str
) -> None:
    assert seen(capsys, compiled(*calls), Finished(exit_code=0, state="done", value=value))[0] == out


def test_streamed_output_is_not_written_twice_and_only_the_last_steps_is_data(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = ("process.run", ("execute",))
    out, err = seen(
        capsys,
        compiled(run, run),
        Printed(step=1, stream="stdout", text="first\n"),
        Printed(step=2, stream="stdout", text="se"),
        Printed(step=2, stream="stdout", text="cond"),
        Finished(exit_code=0, state="done", value=Exit(code=0, stdout="second")),
    )
    assert (out, err) == ("second", "")


def test_a_failure_is_told_once_with_its_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    err = Err(code="not-found", title="No such file", message="a.txt", hint="look again")
    out, said = seen(
        capsys, compiled(("file.read", ("read",))), StepFinished(step=1, err=err), Failed(err=err)
    )
    assert out == ""
    assert said == "error: No such file\n  a.txt\n  → look again\n"


def test_verdicts_stand_beside_the_steps(capsys: pytest.CaptureFixture[str]) -> None:
    _, said = seen(
        capsys,
        compiled(("file.delete", ("delete",)), ("net.fetch", ("network",))),
        Judged(step=1, verdict=Ask(reason="shown first")),
        Judged(step=2, verdict=Deny(reason="never")),
    )
    assert said.splitlines() == [
        "1 file.delete  [delete] ask: shown first",
        "2 net.fetch  [network] deny: never",
    ]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (20_000, "20 kB"),
        (1_500_000, "1.5 MB"),
        (10**16, "10000 TB"),
    ],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert size_text(size) == text
