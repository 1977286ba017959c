"""Which file goes where, on lists of entries: no folder is touched here."""

from __future__ import annotations

import tomllib
from datetime import datetime
from importlib import resources

import pytest

from casava_apps.tidy.rules import Rules, free_name
from casava_syscalls.values import Entry


@pytest.fixture
def settings() -> dict[str, object]:
    manifest = tomllib.loads(resources.files("casava_apps.tidy").joinpath("app.toml").read_text())
    shipped: dict[str, object] = manifest["settings"]
    return shipped


def rules(settings: dict[str, object], *, by_date: bool = False) -> Rules:
    made = Rules.read(settings, by_date=by_date)
    assert isinstance(made, Rules), made
    return made


def names(groups: dict[str, list[Entry]]) -> dict[str, list[str]]:
    return {folder: [entry.path for entry in entries] for folder, entries in groups.items()}


def test_files_go_by_kind_and_unknown_ones_stay(settings: dict[str, object]) -> None:
    entries = [
        Entry(path=p) for p in ("a.PNG", "b.pdf", "c.mp3", "d.tar.gz", "e.csv", "f.weird", "README", "g.deb")
    ]
    assert names(rules(settings).sorted_out(entries)) == {
        "Pictures": ["a.PNG"],
        "Documents": ["b.pdf"],
        "Music": ["c.mp3"],
        "Archives": ["d.tar.gz", "g.deb"],
        "Tables": ["e.csv"],
    }


@pytest.mark.parametrize(
    "entry",
    [
        Entry(path=".bashrc.txt"),
        Entry(path="pictures.png", type="directory"),
        Entry(path="latest.png", type="link", target="x.png"),
        Entry(path="film.mp4.part"),
        Entry(path="setup.zip.crdownload"),
        Entry(path=".png"),
    ],
)
def test_what_is_never_touched(settings: dict[str, object], entry: Entry) -> None:
    assert rules(settings).sorted_out([entry]) == {}


def test_the_placeholder_of_a_running_download_stays(settings: dict[str, object]) -> None:
    entries = [Entry(path="dl/film.mp4", size=0), Entry(path="dl/film.mp4.part"), Entry(path="dl/done.mp4")]
    assert names(rules(settings).sorted_out(entries)) == {"Videos": ["dl/done.mp4"]}


def test_by_date_makes_a_folder_for_each_month(settings: dict[str, object]) -> None:
    march = datetime(2026, 3, 5, 12).astimezone().timestamp()
    may = datetime(2026, 5, 5, 12).astimezone().timestamp()
    entries = [Entry(path="a.png", mtime=march), Entry(path="b.png", mtime=may)]
    assert names(rules(settings, by_date=True).sorted_out(entries)) == {
        "Pictures/2026-03": ["a.png"],
        "Pictures/2026-05": ["b.png"],
    }


@pytest.mark.parametrize(
    ("folders", "what"),
    [
        ({"Pics": ["picture"]}, "no kind"),
        ({"../up": ["image"]}, "cannot be the name"),
        ({"a/b": ["image"]}, "cannot be"),
    ],
)
def test_rules_that_are_not_right_are_named(settings: dict[str, object], folders: object, what: str) -> None:
    problem = Rules.read({**settings, "folders": folders}, by_date=False)
    assert isinstance(problem, str)
    assert what in problem


@pytest.mark.parametrize(
    ("name", "taken", "free"),
    [
        ("a.txt", set[str](), "a.txt"),
        ("a.txt", {"a.txt"}, "a (2).txt"),
        ("a.txt", {"a.txt", "a (2).txt"}, "a (3).txt"),
        ("a.tar.gz", {"a.tar.gz"}, "a (2).tar.gz"),
        ("Makefile", {"Makefile"}, "Makefile (2)"),
        (".env", {".env"}, ".env (2)"),
    ],
)
def test_a_taken_name_gets_a_number(name: str, taken: set[str], free: str) -> None:
    assert free_name(name, taken) == free
