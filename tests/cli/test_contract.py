"""The command line's promises: stdout is data, exit codes are an API, what was shown is what lands."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from casava_os.kernel.events import ChangesetMade, Compiled, Failed, Finished, Held, Started
from tests.cli.conftest import Desk

DELETE = ("call", "file.delete", "--paths", "old.tmp")


def test_a_reading_call_writes_data_and_nothing_else(desk: Desk) -> None:
    ran = desk("call", "file.find", "--extension", "txt")
    assert (ran.code, ran.out, ran.err) == (0, b"a.txt\nb.txt\n", "")


def test_names_come_out_byte_for_byte(desk: Desk) -> None:
    for name in (b"caf\xe9.txt", b"new\nline.txt", b"-dash.txt"):
        (desk.workspace / name.decode("utf-8", "surrogateescape")).touch()
    ran = desk("call", "file.find", "--empty", "--type", "file", "-0")
    assert set(ran.out.split(b"\0")) == {b"caf\xe9.txt", b"new\nline.txt", b"-dash.txt", b""}
    ran = desk("call", "file.size", "--paths", b"caf\xe9.txt")
    assert (ran.code, ran.out) == (0, b"0\n")


def test_a_change_is_held_shown_and_landed_as_shown(desk: Desk) -> None:
    held = desk(*DELETE)
    assert (held.code, held.out) == (3, b"")
    assert "- old.tmp" in held.err
    assert "casava-os commit 1" in held.err
    assert "old.tmp" in desk.names()

    listed = desk("ps")
    assert listed.lines[1].split("\t")[:1] == ["1"]
    assert "held" in listed.lines[1]
    shown = desk("diff")
    assert shown.code == 0
    assert b"old.tmp" in shown.out

    landed = desk("commit")
    assert (landed.code, landed.out) == (0, b"")
    assert desk.names() == ["a.txt", "b.txt"]
    assert desk("ps").lines[1:] == []

    undone = desk("undo")
    assert undone.code == 0
    assert desk.names() == ["a.txt", "b.txt", "old.tmp"]
    assert (desk.workspace / "old.tmp").read_text() == "x"


def test_yes_lands_at_once_and_discard_throws_away(desk: Desk) -> None:
    assert desk(*DELETE, "--yes").code == 0
    assert desk.names() == ["a.txt", "b.txt"]
    assert desk("call", "file.touch", "--paths", "new").code == 3
    assert desk("discard").code == 0
    assert desk("commit").code == 1
    assert desk.names() == ["a.txt", "b.txt"]


def test_what_is_held_for_a_workspace_that_is_gone_can_be_discarded(desk: Desk) -> None:
    assert desk("call", "file.touch", "--paths", "new").code == 3
    pid = desk("ps").lines[1].split()[0]
    desk.workspace.rename(desk.workspace.with_name("moved"))
    elsewhere = desk.workspace.with_name("elsewhere")
    elsewhere.mkdir()
    there = replace(desk, workspace=elsewhere)
    refused = there("commit", pid)
    assert refused.code == 1
    assert f"casava-os discard {pid}" in refused.err
    discarded = there("discard", pid)
    assert discarded.code == 0, discarded.err
    assert there("ps").lines[1:] == []


def test_several_held_processes_must_be_named(desk: Desk) -> None:
    for name in ("x", "y"):
        assert desk("call", "file.touch", "--paths", name).code == 3
    ambiguous = desk("commit")
    assert ambiguous.code == 2
    assert "2, 1" in ambiguous.err
    assert desk("commit", "1").code == 0
    assert desk("commit").code == 0
    assert {"x", "y"} <= set(desk.names())


def test_undo_takes_back_several(desk: Desk) -> None:
    for name in ("x", "y"):
        assert desk("call", "file.touch", "--paths", name, "--yes").code == 0
    assert desk("undo", "--last", "2").code == 0
    assert desk.names() == ["a.txt", "b.txt", "old.tmp"]
    assert desk("undo").code == 1


def test_a_dry_run_shows_the_diff_and_leaves_nothing(desk: Desk) -> None:
    ran = desk(
        "call", "file.write", "--path", "a.txt", "--how", "append", "--content", "three\n", "--dry-run"
    )
    assert (ran.code, ran.out) == (0, b"")
    assert "+three" in ran.err
    assert (desk.workspace / "a.txt").read_text() == "one\ntwo\n"
    assert desk("ps").lines[1:] == []
    assert desk("commit").code == 1


# --------------------------------------------------------------------------------------------- exit codes


def test_a_failing_syscall_is_1_with_title_sentence_and_next_step(desk: Desk) -> None:
    ran = desk("call", "file.read", "--paths", "none.txt")
    assert (ran.code, ran.out) == (1, b"")
    assert ran.err.startswith("error: ")
    assert "none.txt" in ran.err
    assert "Traceback" not in ran.err


def test_a_program_keeps_its_output_and_its_own_code_is_told(desk: Desk) -> None:
    ran = desk("call", "process.run", "--command", "echo out; echo err >&2; exit 7")
    assert (ran.code, ran.out) == (1, b"out\n")
    assert "err\n" in ran.err
    assert "exit code 7" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("call", "file.find", "--larger-than", "-1"),
        ("call", "file.read", "--paths", "../../etc/passwd"),
        ("call", "file.nope"),
        ("call", "file.find", "--no-such-option"),
        ("call", "file.read"),
        ("call",),
        ("nonsense",),
        ("shell",),
        ("memory", "show"),
        (),
        ("apply", "none.json"),
        ("apply", "a.txt"),
        ("call", "file.find", "--timeout", "never"),
        ("call", "file.find", "--workspace", "/none"),
        ("undo", "1", "--last", "2"),
        ("app", "run", "tidy", "--set", "colour=red"),
    ],
)
def test_usage_is_2_and_stdout_stays_empty(desk: Desk, arguments: tuple[str, ...]) -> None:
    ran = desk(*arguments)
    assert (ran.code, ran.out) == (2, b""), ran.err
    assert ran.err
    assert "Traceback" not in ran.err


def test_denied_is_4(desk: Desk) -> None:
    desk.configure(
        "policy.toml",
        'version = 1\n[[rule]]\ndecision = "deny"\neffects = ["delete"]\npaths = ["*.tmp"]\nreason = "tmp files are dear"\n',
    )
    ran = desk(*DELETE, "--yes")
    assert ran.code == 4
    assert "tmp files are dear" in ran.err
    assert "old.tmp" in desk.names()
    through_a_program = desk("call", "process.run", "--command", "rm old.tmp", "--yes")
    assert through_a_program.code == 4
    assert "old.tmp" in desk.names()


def test_no_sandbox_is_6_and_nothing_runs_outside_one(desk: Desk, tmp_path: Path) -> None:
    nothing = tmp_path / "empty"
    nothing.mkdir()
    desk.environment = {
        "PATH": str(nothing),
        "DOCKER_HOST": f"unix://{nothing}/none.sock",
        "CASAVA_SANDBOX": "auto",
    }
    ran = desk("call", "process.run", "--command", "touch escaped", "--yes")
    assert ran.code == 6
    assert "doctor" in ran.err or "install" in ran.err
    assert "escaped" not in desk.names()


def test_no_model_is_7(desk: Desk) -> None:
    ran = desk("run", "--model", "none.gguf", "list all files")
    assert (ran.code, ran.out) == (7, b"")
    assert "none.gguf" in ran.err


def test_a_changed_workspace_is_8_and_nothing_is_applied(desk: Desk) -> None:
    assert desk("call", "file.write", "--path", "a.txt", "--content", "mine", "--how", "overwrite").code == 3
    (desk.workspace / "a.txt").write_text("theirs")
    ran = desk("commit")
    assert ran.code == 8
    assert (desk.workspace / "a.txt").read_text() == "theirs"


def test_timeout_is_124(desk: Desk) -> None:
    ran = desk("call", "process.run", "--command", "touch late; sleep 60", "--timeout", "2", "--yes")
    assert ran.code == 124
    assert "late" not in desk.names()
    assert desk("ps").lines[1:] == []


# ------------------------------------------------------------------------------------------ plans and apply


def test_a_plan_file_runs_without_a_model(desk: Desk) -> None:
    plan = desk.plan({"call": "file.find", "extension": ["txt"]}, {"call": "file.count", "paths": "$1"})
    ran = desk("apply", plan)
    assert (ran.code, ran.out) == (0, b"2\n")
    assert "file.find" in ran.err


def test_approval_by_digest_lands_exactly_that(desk: Desk) -> None:
    plan = desk.plan({"call": "file.delete", "paths": ["old.tmp"]})
    wrong = desk("apply", plan, "--approve", "sha256:" + hashlib.sha256(b"other").hexdigest())
    assert wrong.code == 3
    assert len(desk("ps").lines) == 1, "nothing ran, so nothing is held"
    held = desk("apply", plan, "--json")
    digest = next(event.digest for event in held.events if isinstance(event, ChangesetMade))
    sha256 = next(event.sha256 for event in held.events if isinstance(event, Compiled))
    assert "old.tmp" in desk.names()
    assert desk("apply", plan, "--approve", f"sha256:{sha256}").code == 0
    assert "old.tmp" not in desk.names()
    assert desk("undo").code == 0
    assert desk("apply", plan, "--approve", digest).code == 3, "the digest of a changeset approves no plan"
    assert desk("apply", plan, "--approve", "sha256:xyz").code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "JSON"),
        ("[]", "plan"),
        (
            '{"version": 1, "steps": [{"call": "file.find", "call": "file.delete", "paths": ["a.txt"]}]}',
            "twice",
        ),
        ('{"version": 2, "steps": []}', "plan"),
        ('{"version": 1, "steps": [{"call": "file.explode"}]}', "file.explode"),
        (
            '{"version": 1, "steps": [{"call": "file.count", "paths": "$2"}, {"call": "file.find"}]}',
            "earlier",
        ),
        (
            '{"version": 1, "steps": [{"call": "file.hash", "paths": ["a"]}, {"call": "file.delete", "paths": "$1"}]}',
            "Table",
        ),
        ('{"version": 1, "steps": [{"call": "file.delete", "paths": ["../x"]}]}', "outside"),
        ('{"version": 1, "steps": [{"call": "text.count", "source": "$0"}]}', "standard input"),
        ("[" * 100_000, "plan"),
    ],
)
def test_a_hand_edited_plan_is_checked(desk: Desk, text: str, said: str) -> None:
    plan = desk.workspace.parent / "plan.json"
    plan.write_text(text)
    ran = desk("apply", str(plan), "--yes")
    assert (ran.code, ran.out) == (2, b"")
    assert said in ran.err
    assert "Traceback" not in ran.err


# ------------------------------------------------------------------------------------------------- NDJSON


def test_json_is_events_and_nothing_else(desk: Desk) -> None:
    held = desk(*DELETE, "--json")
    assert held.code == 3
    assert held.err == ""
    kinds = [event.event for event in held.events]
    assert kinds[0] == "started"
    assert kinds[-1] == "finished"
    assert {"compiled", "verdict", "sandbox", "step_started", "step_finished", "changeset", "held"} <= set(
        kinds
    )
    assert {event.pid for event in held.events} == {1}
    last = held.events[-1]
    assert isinstance(last, Finished)
    assert (last.exit_code, last.state) == (3, "held")
    assert isinstance(held.events[0], Started)
    assert any(isinstance(event, Held) for event in held.events)

    landed = desk("commit", "--json")
    assert [event.event for event in landed.events][-2:] == ["committed", "finished"]


def test_json_tells_failures_that_no_process_had(desk: Desk) -> None:
    ran = desk("call", "file.read", "--paths", "../x", "--json")
    assert ran.code == 2
    first, last = ran.events
    assert isinstance(first, Failed)
    assert isinstance(last, Finished)
    assert last.exit_code == 2


def test_lists_as_json(desk: Desk) -> None:
    assert desk("call", "file.size").code == 0
    (row,) = [json.loads(line) for line in desk("log", "--json").lines]
    assert (row["pid"], row["state"], row["workspace"]) == (1, "done", str(desk.workspace))
    records = [json.loads(line) for line in desk("log", "1", "--json").lines]
    assert {"started", "finished"} <= {record["kind"] for record in records}
    schema = json.loads(desk("call", "--list", "--json").out)
    assert "file.find" in json.dumps(schema)


# ------------------------------------------------------------------------------------------------ the rest


def test_call_lists_and_explains_every_syscall(desk: Desk) -> None:
    listed = desk("call", "--list")
    assert listed.code == 0
    assert len(listed.lines) > 70
    explained = desk("call", "file.find", "--help")
    assert explained.code == 0
    assert b"--older-than" in explained.out
    assert b"Effects: read" in explained.out


def test_a_syscall_without_a_performer_says_so(desk: Desk) -> None:
    ran = desk("call", "net.fetch", "--url", "https://example.org/x", "--yes")
    assert (ran.code, ran.out) == (1, b"")
    assert "net.fetch" in ran.err


def test_version_help_and_completion(desk: Desk) -> None:
    assert desk("--version").out.startswith(b"casava-os ")
    assert b"doctor" in desk("--help").out
    desk.environment = {
        "_CASAVA_OS_COMPLETE": "complete_bash",
        "COMP_WORDS": "casava-os ca",
        "COMP_CWORD": "1",
    }
    assert desk().lines == ["call"]
    desk.environment["COMP_WORDS"], desk.environment["COMP_CWORD"] = "casava-os call file.d", "2"
    assert set(desk().lines) == {"file.delete", "file.diff", "file.duplicates"}
    desk.environment["COMP_WORDS"], desk.environment["COMP_CWORD"] = "casava-os app run t", "3"
    assert desk().lines == ["tidy"]
    desk.environment["_CASAVA_OS_COMPLETE"] = "source_bash"
    assert b"complete" in desk().out


def test_config_show_names_the_source_of_each_value(desk: Desk) -> None:
    desk.configure("config.toml", "[budget]\nseconds = 5\n")
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in desk("config", "show").lines}
    assert rows["budget.seconds"] == ["5.0", str(desk.home / "config" / "config.toml")]
    assert rows["sandbox"] == ["bubblewrap", "CASAVA_SANDBOX"]
    assert rows["limits.pids"][1] == "default"
    assert rows["directory.state"][0] == str(desk.home / "state")
    assert desk("config").out == desk("config", "show").out
    desk.configure("config.toml", "nonsense = 1\n")
    wrong = desk("config", "show")
    assert wrong.code == 2
    assert "nonsense" in wrong.err


def test_doctor_says_what_is_missing_and_what_to_do(desk: Desk, tmp_path: Path) -> None:
    desk.environment = {"CASAVA_MODEL": str(tmp_path / "none.gguf")}
    ran = desk("doctor", "--json")
    findings = {row["name"]: row for row in map(json.loads, ran.lines)}
    assert ran.code == 7
    assert findings["bubblewrap"]["state"] == "ok"
    assert findings["model"]["state"] == "missing"
    desk.environment |= {"PATH": str(tmp_path / "empty"), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    ran = desk("doctor")
    assert ran.code == 6
    assert "bubblewrap" in ran.err


def test_sandbox_info_reads_back_what_is_in_force(desk: Desk) -> None:
    rows = dict(line.split("\t") for line in desk("sandbox", "info").lines)
    assert (rows["driver"], rows["network"], rows["root"]) == ("bubblewrap", "none", "read-only")


def test_nothing_is_left_behind(desk: Desk, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    desk.environment = {"TMPDIR": str(temporary)}
    desk("call", "text.count", "--source", "-", stdin=b"a\nb\n")
    desk("call", "file.touch", "--paths", "x", "--dry-run")
    desk("call", "process.run", "--command", "sleep 60", "--timeout", "1")
    assert list(temporary.iterdir()) == []
    layers = desk.home / "state" / "layers"
    assert not layers.exists() or list(layers.iterdir()) == []
