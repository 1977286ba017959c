"""`casava-os model`: listing, choosing, pulling and trying models, against servers on this machine."""

from __future__ import annotations

import json
import tomllib

import pytest

from casava_os.cli.models import with_model
from tests.cli.conftest import Desk
from tests.model.server import events, serving


def setting(desk: Desk) -> object:
    return tomllib.loads((desk.home / "config" / "config.toml").read_text())["model"]


def test_the_list_says_what_is_here_and_what_is_used(desk: Desk) -> None:
    ran = desk("model", "list", "--json")
    rows = {row["name"]: row for row in map(json.loads, ran.lines)}
    assert rows["casava-smol"]["used"]
    assert rows["qwen2.5-0.5b"]["state"] == "not here"
    assert desk("model").out == desk("model", "list").out


def test_choosing_a_served_model_warns_and_the_next_request_goes_there(desk: Desk) -> None:
    with serving(events('{"steps": [{"call": "file.list"}]}')) as endpoint:
        used = desk("model", "use", f"{endpoint.url}#tiny")
        assert used.code == 0
        assert "has not been qualified" in used.err
        assert setting(desk) == f"{endpoint.url}#tiny"
        ran = desk("run", "list the files")
    assert ran.code == 0
    assert "a.txt" in ran.lines
    assert len(endpoint.asked) == 1


def test_a_model_that_has_not_qualified_cannot_delete(desk: Desk) -> None:
    """It is not told of the syscall, and what it answers all the same is refused."""
    with serving(events('{"steps": [{"call": "file.delete", "paths": ["a.txt"]}]}')) as endpoint:
        ran = desk("run", "--yes", "--model", f"{endpoint.url}#tiny", "delete a.txt")
    assert ran.code == 5
    assert "file.delete, which is withheld here" in ran.out.decode()
    assert (desk.workspace / "a.txt").exists()
    messages = endpoint.asked[0].body["messages"]
    assert isinstance(messages, list)
    assert "file.delete(" not in messages[0]["content"]
    assert "file.find(" in messages[0]["content"]


def test_a_served_model_here_is_shown_what_did_like_requests(desk: Desk) -> None:
    with serving(events('{"steps": [{"call": "system.uptime"}]}', logprobs=[-0.001])) as endpoint:
        chosen = ("--model", f"{endpoint.url}#tiny")
        asked = ("how long has the machine been up", "how long has this machine been up now")
        assert [desk("run", *chosen, one).code for one in asked] == [0, 0]
        assert desk("run", *chosen, "--no-memory", asked[1]).code == 0
        told = desk("log", "2").out.decode()
    first, second, private = [str(one.body["messages"]) for one in endpoint.asked]
    assert f"{asked[0]} ->" not in first
    assert asked[0] in second
    assert asked[0] not in private
    assert "request 1 as examples" in told


def test_a_model_that_answers_nonsense_fails_its_trial_and_one_is_told_so(desk: Desk) -> None:
    with serving(events('{"steps": [{"call": "system.uptime"}]}')) as endpoint:
        ran = desk("model", "qualify", f"{endpoint.url}#tiny", "-n", "12")
        assert ran.code == 1
        assert ran.lines[-1].split() == ["verdict", "failed"]
        shown = desk("model", "show", f"{endpoint.url}#tiny")
    assert "failed on" in shown.out.decode()


def test_a_trial_ends_when_the_server_does(desk: Desk) -> None:
    ran = desk("model", "qualify", "http://127.0.0.1:9/v1#tiny", "-n", "3")
    assert ran.code == 7
    assert "stopped answering" in ran.err


def test_the_shipped_model_is_shown_and_timed(desk: Desk) -> None:
    shown = desk("model", "show")
    assert b"fits" in shown.out
    timed = desk("model", "bench", "-n", "5")
    assert timed.code == 0
    assert [line.split()[0] for line in timed.lines[:3]] == ["model", "load", "requests"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("pull", "qwen2.5-0.5"), 7, "did you mean qwen2.5-0.5b?"),
        (("pull", "ollama"), 2, "nothing to download"),
        (("use", "qwen2.5-0.5b"), 7, "casava-os model pull qwen2.5-0.5b"),
        (("use", "http://127.0.0.1:1/v1"), 7, "#llama3"),
        (("remove", "qwen2.5-0.5b"), 1, "is not here"),
        (("show", "/nowhere.gguf"), 7, "no such file"),
    ],
)
def test_what_cannot_be_done_says_what_can(
    desk: Desk, arguments: tuple[str, ...], code: int, says: str
) -> None:
    ran = desk("model", *arguments)
    assert ran.code == code
    assert says in ran.err
    assert not (desk.home / "config" / "config.toml").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'model = "m"\n'),
        ('# mine\nmodel = "old" # note\ntimeout = 5\n[limits]\nmodel = 1\n', '# mine\nmodel = "m"\ntimeout = 5\n[limits]\nmodel = 1\n'),
        ("[limits]\npids = 9\n", 'model = "m"\n[limits]\npids = 9\n'),
        ("timeout = 5\n", 'model = "m"\ntimeout = 5\n'),
    ],
)  # fmt: skip
def test_choosing_changes_one_line_of_the_settings(before: str, after: str) -> None:
    assert with_model(before, "m") == after
