"""Plans that somebody wrote or changed by hand: refused before anything runs, with the right exit code."""

from __future__ import annotations

import json
from pathlib import Path

from tests.hostile.attack import Desk


def _plan(*steps: object, **more: object) -> str:
    return json.dumps({"version": 1, "steps": list(steps), **more})


READ = {"call": "file.list"}
DELETE = {"call": "file.delete", "paths": ["a.txt"]}
PLANS: dict[str, str | bytes] = {
    "nothing": "",
    "no JSON": "delete everything",
    "binary": b"\x00\xff\xfe",
    "not an object": "[1]",
    "null": "null",
    "no steps": _plan(),
    "no step list": json.dumps({"version": 1}),
    "another version": json.dumps({"version": 2, "steps": [DELETE]}),
    "an unknown key": _plan(DELETE, sudo=True),
    "an unknown call": _plan({"call": "file.destroy", "paths": ["a.txt"]}),
    "a dunder call": _plan({"call": "__import__"}),
    "no call": _plan({"paths": ["a.txt"]}),
    "a call that is no name": _plan({"call": {"call": "file.delete"}}),
    "an unknown field": _plan({**DELETE, "force": True}),
    "a step that is no object": _plan("file.delete a.txt"),
    "a reference ahead": _plan({"call": "file.delete", "paths": "$2"}, READ),
    "a reference to itself": _plan({"call": "file.delete", "paths": "$1"}),
    "a reference to nothing": _plan(READ, {"call": "file.delete", "paths": "$7"}),
    "a reference to no input": _plan({"call": "file.delete", "paths": "$0"}),
    "a negative reference": _plan(READ, {"call": "file.delete", "paths": "$-1"}),
    "a reference of the wrong type": _plan({"call": "file.usage"}, {"call": "file.delete", "paths": "$1"}),
    "a path that climbs": _plan({"call": "file.delete", "paths": ["../home"]}),
    "a path that climbs late": _plan({"call": "file.delete", "paths": ["sub/../../home"]}),
    "an absolute path": _plan({"call": "file.delete", "paths": ["/etc/passwd"]}),
    "the home directory": _plan({"call": "file.delete", "paths": ["~/.ssh"]}),
    "a path with NUL": _plan({"call": "file.delete", "paths": ["a.txt\0"]}),
    "an empty path": _plan({"call": "file.delete", "paths": [""]}),
    "no paths": _plan({"call": "file.delete", "paths": []}),
    "a glob that climbs": _plan({"call": "file.find", "name": "../*"}),
    "a number for a path": _plan({"call": "file.delete", "paths": [7]}),
    "an object for a path": _plan({"call": "file.delete", "paths": {"a": "b"}}),
    "a negative size": _plan({"call": "file.find", "larger_than": -1}),
    "text for a flag": _plan({"call": "file.list", "hidden": "perhaps"}),
    "a number beyond reason": '{"version":1,"steps":[{"call":"file.find","limit":1e999}]}',
    "digits without end": '{"version":1,"steps":[{"call":"file.find","limit":' + "9" * 100_000 + "}]}",
    "NaN": '{"version":1,"steps":[{"call":"file.find","larger_than":NaN}]}',
    "deep JSON": '{"version":1,"steps":' + "[" * 100_000 + "]" * 100_000 + "}",
    "a deep field": '{"version":1,"steps":[{"call":"file.delete","paths":' + "[" * 5000 + "]" * 5000 + "}]}",
    "too many steps": _plan(*[{"call": "file.touch", "paths": [f"f{n}"]} for n in range(100_000)]),
    "repeated steps": _plan(DELETE, DELETE),
    "a key twice": '{"version":1,"steps":[{"call":"file.list"}],"steps":[{"call":"file.delete","paths":["a.txt"]}]}',
    "a field twice": '{"version":1,"steps":[{"call":"file.delete","paths":["x.tmp"],"paths":["a.txt"]}]}',
    "a call twice": '{"version":1,"steps":[{"call":"file.list","call":"file.delete","paths":["a.txt"]}]}',
    "a question among steps": _plan(DELETE, {"call": "ask", "question": "sure?"}),
    "a lone surrogate": '{"version":1,"request":"\\ud800","steps":[{"call":"file.delete","paths":["../x"]}]}',
}


def test_a_plan_that_is_none_is_2_and_nothing_runs(any_desk: Desk, tmp_path: Path) -> None:
    commands = []
    for number, text in enumerate(PLANS.values()):
        plan = tmp_path / f"{number}.json"
        plan.write_bytes(text if isinstance(text, bytes) else text.encode())
        commands.append(("apply", "--yes", str(plan)))
    with any_desk.unchanged():
        every = any_desk.each(*commands)
    for name, ran in zip(PLANS, every, strict=True):
        assert ran.code == 2, (name, ran)
        assert len(ran.failed(2).err) < 4000, name
    assert any_desk.states() == []
    assert not (any_desk.home / "state" / "layers").exists()


def test_a_plan_that_is_no_file_is_2(any_desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    names = ("missing", "loop", "work", "x" * 300)
    with any_desk.unchanged():
        for ran in any_desk.each(*(("apply", "--yes", str(tmp_path / name)) for name in names)):
            ran.failed(2)


def test_a_changed_byte_is_not_what_was_approved(any_desk: Desk, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    text = _plan({"call": "file.delete", "paths": ["b.txt"]})
    plan.write_text(text)
    dry = any_desk("apply", "--dry-run", "--json", str(plan))
    digest = str(dry.events("compiled")[0]["sha256"])
    plan.write_text(text.replace("b.txt", "a.txt"))
    with any_desk.unchanged():
        ran = any_desk("apply", "--approve", f"sha256:{digest}", str(plan))
        ran.failed(3, "not the plan")
        wrong = ("sha256:", "sha256:zz", digest[:-1], "md5:" + digest, "*")
        for ran in any_desk.each(*(("apply", "--approve", one, str(plan)) for one in wrong)):
            ran.explained(2)
    plan.write_text(text)
    assert any_desk("apply", "--approve", f"sha256:{digest}", str(plan)).code == 0
    assert not (any_desk.workspace / "b.txt").exists()
    assert (any_desk.workspace / "a.txt").exists()


def test_the_approval_covers_what_the_plan_says_of_itself(any_desk: Desk, tmp_path: Path) -> None:
    """Policy reads names from the request: whoever changes it changes the plan."""
    plan = tmp_path / "plan.json"
    (any_desk.workspace / ".git").mkdir()
    (any_desk.workspace / ".git" / "config").write_text("[core]\n")
    step = {"call": "process.run", "command": "echo hooked >> .git/config"}
    plan.write_text(_plan(step, request="tidy up"))
    digest = str(any_desk("apply", "--dry-run", "--json", str(plan)).events("compiled")[0]["sha256"])
    with any_desk.unchanged():
        any_desk("apply", "--yes", str(plan)).failed(4, ".git")
        plan.write_text(_plan(step, request="tidy up git"))
        any_desk("apply", "--approve", f"sha256:{digest}", str(plan)).failed(3, "not the plan")


def test_calls_are_checked_like_plans(any_desk: Desk) -> None:
    refused = (
        ("file.delete", "--paths", "../home"),
        ("file.delete", "--paths", "/etc"),
        ("file.delete", "--paths", "a.txt/../../.."),
        ("file.delete", "--paths", ""),
        ("file.copy", "--paths", "a.txt", "--to", "../stolen"),
        ("file.write", "--path", "/etc/cron.d/x", "--content", "x"),
        ("file.find", "--name", ""),
        ("file.find", "--larger-than", "-5"),
        ("file.find", "--larger-than", "3 bananas"),
        ("file.destroy",),
        ("process.run", "--command", ""),
    )
    with any_desk.unchanged():
        every = any_desk.each(*(("call", *call, "--yes") for call in refused))
        assert [ran.failed(2).code for ran in every] == [2] * len(refused)
        any_desk("call", "net.fetch", "--url", "http://127.0.0.1/", "--yes").failed(1)
