"""Apps run as processes: in a sandbox, on a layer, approved once, with what they were granted and nothing more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from casava_apps.api import Os
from casava_os.plugins.manifest import App, Manifest
from casava_os.plugins.program import program_of
from casava_syscalls.base import AnyCall
from casava_syscalls.file import Find, ListDir, MakeDir
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Files, Number, Value
from tests.cli.conftest import Desk


@pytest.fixture
def mess(desk: Desk) -> Desk:
    """A downloads folder."""
    for path in desk.workspace.iterdir():
        path.unlink()
    for name in (
        "cat.png",
        "cv.pdf",
        ".profile.txt",
        "film.mp4",
        "film.mp4.part",
        "notes",
        "caf\udce9.jpg",
        "song.mp3",
    ):
        (desk.workspace / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    (desk.workspace / "Pictures").mkdir()
    (desk.workspace / "Pictures" / "cat.png").write_bytes(b"another cat")
    (desk.workspace / "latest.pdf").symlink_to("cv.pdf")
    return desk


def test_tidy_previews_lands_and_goes_back(mess: Desk) -> None:
    before = mess.names()
    held = mess("app", "run", "tidy")
    assert held.code == 3
    assert mess.names() == before
    assert b"cat.png\tPictures/cat (2).png\n" in held.out
    assert mess("commit").code == 0
    assert mess.names() == [
        ".profile.txt",
        "Documents",
        "Documents/cv.pdf",
        "Music",
        "Music/song.mp3",
        "Pictures",
        "Pictures/caf\udce9.jpg",
        "Pictures/cat (2).png",
        "Pictures/cat.png",
        "film.mp4",
        "film.mp4.part",
        "latest.pdf",
        "notes",
    ]
    assert (mess.workspace / "Pictures" / "cat (2).png").read_bytes() == b"cat.png"
    assert (mess.workspace / "Pictures" / "cat.png").read_bytes() == b"another cat"
    assert mess("undo").code == 0
    assert mess.names() == before


def test_tidy_twice_has_nothing_to_do(mess: Desk) -> None:
    assert mess("app", "run", "tidy", "--yes").code == 0
    again = mess("app", "run", "tidy", "--yes")
    assert (again.code, again.out) == (0, b"Nothing to tidy.\n")


def test_tidy_leaves_a_project_alone(mess: Desk) -> None:
    (mess.workspace / "pyproject.toml").touch()
    ran = mess("app", "run", "tidy", "--yes")
    assert (ran.code, ran.out) == (1, b"")
    assert "project" in ran.err
    assert "cat.png" in mess.names()


def test_tidy_sorts_another_folder_by_date_and_by_own_rules(mess: Desk) -> None:
    mess.configure("apps/tidy.toml", '[folders]\nFotos = ["image"]\n')
    inner = mess.workspace / "dl"
    inner.mkdir()
    (inner / "x.png").touch()
    (inner / "y.pdf").touch()
    ran = mess("app", "run", "tidy", "--set", "folder=dl", "--set", "by_date=yes", "--yes")
    assert ran.code == 0, ran.err
    (month,) = (inner / "Fotos").iterdir()
    assert [path.name for path in month.iterdir()] == ["x.png"]
    assert (inner / "y.pdf").exists()
    assert (mess.workspace / "cat.png").exists()


def test_a_file_in_the_way_of_a_folder_stops_nothing_else(mess: Desk) -> None:
    (mess.workspace / "Music").write_text("a file")
    assert mess("app", "run", "tidy", "--yes").code == 0
    assert (mess.workspace / "song.mp3").exists()
    assert (mess.workspace / "Documents" / "cv.pdf").exists()


OWN = 'name = "own"\nsummary = "Mine."\n'


def own(desk: Desk, text: str) -> None:
    desk.configure("apps/own/app.toml", OWN + text)


def test_an_own_app_of_steps_runs_with_its_parameters(desk: Desk) -> None:
    own(
        desk,
        'effects = ["read", "write"]\n[parameters.name]\nhelp = "where"\n'
        '[[steps]]\ncall = "file.find"\nextension = ["txt"]\n'
        '[[steps]]\ncall = "file.copy"\npaths = "$1"\nto = "{name}"\n',
    )
    assert desk("app", "run", "own").code == 2
    assert desk("app", "run", "own", "--set", "name=copies", "--yes").code == 0
    assert {"copies/a.txt", "copies/b.txt"} <= set(desk.names())
    assert desk("app", "run", "own", "--set", "name=../out", "--yes").code == 2


@pytest.mark.parametrize(
    "step",
    [
        'call = "file.delete"\npaths = ["old.tmp"]',
        'call = "file.move"\npaths = ["old.tmp"]\nto = "new.tmp"',
        'call = "process.run"\ncommand = "rm old.tmp"',
    ],
)
def test_what_was_not_granted_is_denied_whatever_policy_allows(desk: Desk, step: str) -> None:
    desk.configure(
        "policy.toml",
        'version = 1\n[[rule]]\ndecision = "allow"\neffects = ["read", "write", "delete", "execute"]\n',
    )
    own(desk, f'effects = ["read", "write"]\n[[steps]]\n{step}\n')
    ran = desk("app", "run", "own", "--yes")
    assert ran.code == 4
    assert "granted" in ran.err
    assert "old.tmp" in desk.names()


def test_policy_denies_whatever_was_granted(desk: Desk) -> None:
    desk.configure(
        "policy.toml", 'version = 1\n[[rule]]\ndecision = "deny"\neffects = ["delete"]\nreason = "no"\n'
    )
    own(desk, 'effects = ["delete"]\n[[steps]]\ncall = "file.delete"\npaths = ["old.tmp"]\n')
    assert desk("app", "run", "own", "--yes").code == 4
    assert "old.tmp" in desk.names()


def test_a_budget_is_kept(desk: Desk) -> None:
    own(
        desk,
        'effects = ["read"]\n[budget]\nsteps = 1\n'
        '[[steps]]\ncall = "file.find"\n[[steps]]\ncall = "file.count"\npaths = "$1"\n',
    )
    ran = desk("app", "run", "own")
    assert ran.code == 1
    assert "steps" in ran.err


def test_apps_are_listed_and_shown_and_broken_ones_named(desk: Desk) -> None:
    own(desk, 'effects = ["read"]\nmain = "own:main"\n')
    listed = desk("app", "list")
    assert listed.code == 0
    assert [line.split("\t")[0] for line in listed.lines] == ["tidy"]
    assert "own" in listed.err
    assert desk("app", "run", "own").code == 1
    assert desk("app", "run", "none").code == 1
    assert "main" in dict(line.split("\t") for line in desk("app", "show", "tidy").lines)
    assert json.loads(desk("app", "show", "tidy", "--json").out)["name"] == "tidy"


# ------------------------------------------------------------------------------------------- a main, alone


def outcome(main: object, perform: object = None) -> Result[Value] | None:
    """What the program of an app with this `main` gives."""
    manifest = Manifest(name="x", summary="x", effects=("read",), main="x:main")

    class Fixed(App):
        def entry(self) -> Result[object]:  # type: ignore[override]
            return Ok(value=main)

        def settings(self) -> Result[Mapping[str, object]]:  # type: ignore[override]
            return Ok(value={"depth": 1})

    def nothing(call: AnyCall) -> Result[Value]:
        return Err(code="not-found", title=f"no {call.call}")

    program = program_of(Fixed(manifest, Path(), "installed"), {"folder": "."})
    assert isinstance(program, Ok)
    return program.value(perform or nothing)  # type: ignore[arg-type]


def test_main_gets_typed_values_parameters_and_settings() -> None:
    def main(os: Os) -> Number:
        assert (os.parameters["folder"], os.settings["depth"]) == (".", 1)
        return Number(value=len(os(Find()).items))

    assert outcome(main, lambda call: Ok(value=Files())) == Ok(value=Number(value=0))


def test_a_failing_call_ends_main_unless_it_was_an_attempt() -> None:
    after: list[str] = []

    def careful(os: Os) -> None:
        assert isinstance(os.attempt(ListDir()), Err)
        after.append("attempt")
        os(MakeDir(paths=("x",)))
        after.append("call")

    ended = outcome(careful)
    assert isinstance(ended, Err)
    assert ended.title == "no file.make_dir"
    assert after == ["attempt"]


def test_a_stopped_process_ends_main_even_in_an_attempt() -> None:
    def stubborn(os: Os) -> None:
        while True:
            os.attempt(ListDir())

    ended = outcome(stubborn, lambda call: Err(code="interrupted", title="Interrupted"))
    assert isinstance(ended, Err)
    assert ended.code == "interrupted"


def test_main_may_fail_in_its_own_words_and_must_give_a_value() -> None:
    failed = outcome(lambda os: os.fail("No", "because", "do this"))
    assert failed == Err(code="failed", title="No", message="because", hint="do this")
    wrong = outcome(lambda os: 3)
    assert isinstance(wrong, Err)
    assert "int" in wrong.message
    assert outcome(lambda os: None) is None
