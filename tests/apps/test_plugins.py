"""Apps are found, read and checked without importing any of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from casava_os.plugins import find_app, find_apps, read_app
from casava_syscalls.base import Effect
from casava_syscalls.results import Err, Ok

GOOD = """
name = "backup"
summary = "Packs a folder."
effects = ["read", "write"]
[parameters.folder]
help = "what to pack"
[[steps]]
call = "file.archive"
paths = ["{folder}"]
to = "{folder}.tar.gz"
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def own(home: Path, name: str, text: str) -> Path:
    folder = home / "config" / "apps" / name
    folder.mkdir(parents=True)
    (folder / "app.toml").write_text(text)
    return folder


def test_tidy_is_installed_and_listing_imports_no_app() -> None:
    program = (
        "import sys\nfrom casava_os.plugins import find_apps\n"
        "assert 'tidy' in find_apps()\n"
        "print([name for name in sys.modules if name.startswith('casava_apps')])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_own_app_is_found_and_its_steps_are_filled_in(home: Path) -> None:
    own(home, "backup", GOOD)
    app = find_app("backup")
    assert isinstance(app, Ok)
    assert app.value.manifest.granted == Effect.READ | Effect.WRITE
    parameters = app.value.parameters({"folder": "notes"})
    assert isinstance(parameters, Ok)
    plan = app.value.plan(parameters.value)
    assert isinstance(plan, Ok), plan
    assert plan.value.steps[0].model_dump(exclude_defaults=True) == {
        "paths": ("notes",),
        "to": "notes.tar.gz",
    }


def test_a_parameter_cannot_become_a_step_or_a_reference(home: Path) -> None:
    own(home, "backup", GOOD)
    app = find_app("backup")
    assert isinstance(app, Ok)
    plan = app.value.plan({"folder": '"], "call": "file.delete'})
    assert isinstance(plan, Ok)
    assert [step.call for step in plan.value.steps] == ["file.archive"]
    assert isinstance(app.value.plan({"folder": "../../etc"}), Err)


@pytest.mark.parametrize(
    ("given", "what"), [({}, "needs 'folder'"), ({"folder": "a", "x": "b"}, "no parameter 'x'")]
)
def test_missing_and_unknown_parameters_are_named(home: Path, given: dict[str, str], what: str) -> None:
    own(home, "backup", GOOD)
    app = find_app("backup")
    assert isinstance(app, Ok)
    problem = app.value.parameters(given)
    assert isinstance(problem, Err)
    assert what in problem.title


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (("[[steps]]", 'request = "x"\n[[steps]]'), ""),
        (('"read", "write"', '"read", "root"'), "effects"),
        (("{folder}.tar", "{other}.tar"), "no parameter"),
        (('name = "backup"', 'name = "Back Up"'), "name"),
        (('name = "backup"', 'name = "other"'), "must be 'backup'"),
        (("summary", "sumary"), "sum"),
        (("name =", "name"), "not TOML"),
    ],
)
def test_a_broken_manifest_is_listed_with_what_is_wrong(
    home: Path, change: tuple[str, str], what: str
) -> None:
    own(home, "backup", GOOD.replace(*change))
    problem = find_apps()["backup"]
    assert isinstance(problem, Err)
    assert what in f"{problem.title} {problem.message}"


def test_an_app_in_a_folder_brings_no_code(home: Path) -> None:
    folder = own(home, "evil", 'name = "evil"\nsummary = "x"\neffects = ["read"]\nmain = "evil:main"\n')
    (folder / "evil.py").write_text("raise SystemExit('imported')")
    problem = read_app(folder, "own")
    assert isinstance(problem, Err)
    assert problem.code == "unsupported"


def test_own_settings_go_over_the_shipped_ones_and_unknown_ones_are_named(home: Path) -> None:
    app = find_app("tidy")
    assert isinstance(app, Ok)
    file = home / "config" / "apps" / "tidy.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[folders]\nFotos = ["image"]\n')
    settings = app.value.settings()
    assert isinstance(settings, Ok)
    assert settings.value["folders"] == {"Fotos": ["image"]}
    assert "part" in settings.value["unfinished"]  # type: ignore[operator]
    file.write_text("colour = 1\n")
    problem = app.value.settings()
    assert isinstance(problem, Err)
    assert "colour" in problem.title


def test_an_unknown_app_names_those_there_are() -> None:
    problem = find_app("nope")
    assert isinstance(problem, Err)
    assert "tidy" in problem.message
