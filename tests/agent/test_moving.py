"""Copying, moving and renaming: looked at first, then done, in any order."""

import os
import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casava_sandbox.agent import moving
from casava_sandbox.agent.errors import Fault
from casava_sandbox.agent.paths import Workspace
from tests.agent.here import Here


def found(*paths: str) -> dict[str, object]:
    """What a search gave."""
    return {"kind": "files", "items": [{"path": path} for path in paths]}


def content(here: Here, *names: str) -> list[str]:
    return [(here.root / name).read_text() for name in names]


def test_one_file_to_a_name_or_into_a_directory(here: Here) -> None:
    here.make({"a": "A", "d": None})
    assert here.paths("file.copy", paths=["a"], to="b") == ["b"]
    assert here.paths("file.copy", paths=["a"], to="d") == ["d/a"]
    assert here.paths("file.copy", paths=["a"], to="new/deep/c") == ["new/deep/c"]
    assert here.paths("file.move", paths=["a"], to="e") == ["e"]
    assert content(here, "b", "d/a", "new/deep/c", "e") == ["A"] * 4
    assert "a" not in here.names()


def test_several_make_a_directory(here: Here) -> None:
    here.make({"a": "A", "b": "B"})
    assert here.paths("file.copy", paths=["a", "b"], to="x/y") == ["x/y/a", "x/y/b"]
    assert here.paths("file.move", paths=["a", "b"], to="z") == ["z/a", "z/b"]
    here.fails("file.move", "not-a-directory", paths=["z/a", "z/b"], to="x/y/a")


def test_a_search_that_found_one_still_means_a_directory(here: Here) -> None:
    here.make({"a.log": "A", "b.txt": "B"})
    assert here.paths("file.move", paths=found("a.log"), to="logs") == ["logs/a.log"]
    assert here.paths("file.move", paths=found("b.txt"), to="c.txt") == ["c.txt"]
    assert here.paths("file.move", paths=found(), to="none") == []
    assert "none" not in here.names()


def test_what_is_there_already_stays(here: Here) -> None:
    here.make({"a.pdf": "1", "docs/b.pdf": "2", "docs/sub/c.pdf": "3"})
    assert here.paths("file.move", paths=here("file.find", extension=["pdf"]), to="docs") == [
        "docs/a.pdf",
        "docs/c.pdf",
    ]
    everything = here("file.find", max_depth=1)
    here.make({"x": "", "y": ""})
    everything = here("file.find", max_depth=1)
    assert here.paths("file.move", paths=everything, to="docs") == ["docs/x", "docs/y"]


def test_nothing_is_overwritten_unless_asked(here: Here) -> None:
    here.make({"a": "new", "b": "B", "d/a": "old"})
    assert "d/a" in here.fails("file.copy", "exists", paths=["a", "b"], to="d").message
    here.fails("file.move", "exists", paths=["a"], to="b")
    here("file.copy", paths=["a"], to="d", overwrite=True)
    here("file.move", paths=["a"], to="b", overwrite=True)
    assert content(here, "d/a", "b") == ["new", "new"]


def test_same_names_from_different_directories(here: Here) -> None:
    here.make({"x/f": "1", "y/f": "2", "d": None})
    fault = here.fails("file.move", "exists", paths=["x/f", "y/f"], to="d", overwrite=True)
    assert "x/f, y/f" in fault.message


def test_directories_with_all_that_is_in_them(here: Here) -> None:
    here.make({"d/f": "1", "d/sub/g": "2", "d/l": "-> f", "d/abs": "-> /etc", "d/empty": None})
    (here.root / "d/f").chmod(0o741)
    (here.root / "d/sub").chmod(0o705)
    os.utime(here.root / "d/f", (1000, 1000))
    os.utime(here.root / "d/sub", (2000, 2000))
    before = {name: value for name, value in here.tree().items() if name.startswith("d/")}
    here("file.copy", paths=["d"], to="e")
    assert {name: value for name, value in here.tree().items() if name.startswith("d/")} == before
    assert {"d" + name[1:]: value for name, value in here.tree().items() if name.startswith("e/")} == before
    assert ((here.root / "e/f").stat().st_mtime, (here.root / "e/sub").stat().st_mtime) == (1000, 2000)
    here("file.move", paths=["e"], to="d")
    assert (here.root / "d/e/sub/g").read_text() == "2"


def test_merging_directories(here: Here) -> None:
    here.make({"d/f": "new", "d/only": "1", "d/s/x": "2", "to/d/f": "old", "to/d/s/y": "3"})
    here.fails("file.move", "exists", paths=["d"], to="to")
    here("file.copy", paths=["d"], to="to", overwrite=True)
    assert content(here, "to/d/f", "to/d/only", "to/d/s/x", "to/d/s/y") == ["new", "1", "2", "3"]
    here("file.write", path="d/f", content="newest", how="overwrite")
    here("file.move", paths=["d"], to="to", overwrite=True)
    assert content(here, "to/d/f", "to/d/s/y") == ["newest\n", "3"]
    assert "d" not in here.names()


def test_a_file_never_replaces_a_directory(here: Here) -> None:
    here.make({"d/x/f": "", "to/d/x": "file", "file": "", "other/file/f": ""})
    here.fails("file.copy", "exists", paths=["d"], to="to", overwrite=True)
    here.fails("file.copy", "exists", paths=["file"], to="other", overwrite=True)
    here.fails("file.move", "exists", paths=["other/file"], to="file", overwrite=True)


def test_never_onto_or_into_itself(here: Here) -> None:
    here.make({"d/sub": None, "f": "", "alias": "-> d", "l": "-> f"})
    here.fails("file.copy", "usage", paths=["d"], to="d/sub/e")
    here.fails("file.move", "usage", paths=["d"], to="d/sub")
    here.fails("file.move", "usage", paths=["d"], to="alias")
    here.fails("file.copy", "usage", paths=["."], to="x")
    here.fails("file.copy", "usage", paths=["f"], to=".")


def test_pipes_are_not_copied(here: Here) -> None:
    here.make({"d/f": "x"})
    os.mkfifo(here.root / "d/pipe")
    here.fails("file.copy", "unsupported", paths=["d"], to="e")
    here("file.move", paths=["d"], to="e")
    assert "e/pipe" in here.names()


def test_across_file_systems_a_move_is_a_copy(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """An overlay answers EXDEV for a directory of its lower layer; here `os.replace` does, for that one rename."""
    here.make({"d/f": "1", "d/s/l": "-> ../f", "t": None})
    real = os.replace

    def replace(source: str, target: str) -> None:
        if os.path.basename(source) == "d":
            raise OSError(18, "Invalid cross-device link", source)
        real(source, target)

    monkeypatch.setattr(moving.os, "replace", replace)  # type: ignore[attr-defined]
    assert here.paths("file.move", paths=["d"], to="t") == ["t/d"]
    assert here.names() == {"t", "t/d", "t/d/f", "t/d/s", "t/d/s/l"}


def test_a_cancelled_copy_leaves_no_half(here: Here) -> None:
    here.make({"d/f": b"x" * (3 * 2**20)})
    context = here.context()
    checks = iter(range(4))

    def check() -> None:
        if next(checks, None) is None:
            raise Fault("interrupted", "The step was interrupted")

    context.check = check  # type: ignore[method-assign]
    with pytest.raises(Fault):
        moving.copy_over(context, str(here.root / "d"), str(here.root / "e"))
    assert here.names() == {"d", "d/f"}


# ---------------------------------------------------------------------------------------------- rename


def test_a_new_name(here: Here) -> None:
    here.make({"d/a.txt": "A", "b": "B"})
    assert here.paths("file.rename", paths=["d/a.txt"], to="c.txt") == ["d/c.txt"]
    assert here.paths("file.rename", paths=["d/c.txt"], to="e/f.txt") == ["e/f.txt"]
    assert here.paths("file.rename", paths=["b"], to="B") == ["B"]
    assert "rule" in here.fails("file.rename", "usage", paths=["B", "e/f.txt"], to="x").hint
    here.fails("file.rename", "exists", paths=["B"], to="d")
    here.fails("file.rename", "usage", paths=["d"], to="d/inner")


def test_rules(here: Here) -> None:
    names = ["IMG 1.JPG", "IMG 2.tar.gz", ".rc", "dir.d"]
    here.make({**dict.fromkeys(names[:3], ""), "dir.d": None})
    one = [names[0]]
    assert here.paths("file.rename", paths=one, find=" ", replacement="_", case="lower") == ["img_1.jpg"]
    assert here.paths("file.rename", paths=["img_1.jpg"], prefix="a-", suffix="-b", extension="png") == [
        "a-img_1-b.png"
    ]
    assert here.paths("file.rename", paths=["IMG 2.tar.gz"], suffix="-old") == ["IMG 2-old.tar.gz"]
    assert here.paths("file.rename", paths=[".rc"], suffix="-x") == [".rc-x"]
    assert here.paths("file.rename", paths=["dir.d"], suffix="-y", extension="txt") == ["dir.d-y"]
    assert here.paths("file.rename", paths=[".rc-x"], find="-x") == [".rc"]


def test_names_that_cannot_be(here: Here) -> None:
    here.make({"a": "", "b": "", "ab": "", "A": ""})
    here.fails("file.rename", "usage", paths=["a"], find="a", replacement="x/y")
    here.fails("file.rename", "usage", paths=["a"], find="a")
    here.fails("file.rename", "usage", paths=["a"], prefix="x" * 255)
    here.fails("file.rename", "exists", paths=["a"], suffix="b")
    here.fails("file.rename", "exists", paths=["a", "A"], case="upper")
    here.fails("file.rename", "exists", paths=["b", "ab"], find="a", replacement="")
    assert "spelling" in here.fails("file.rename", "not-found", paths=["a", "b"], find="zzz").hint


def test_directories_and_their_contents_at_once(here: Here) -> None:
    here.make({"A/B/C": "1", "A/D": "2", "E": "3"})
    renamed = here.paths("file.rename", paths=here("file.find"), case="lower")
    assert sorted(renamed) == ["a", "a/b", "a/b/c", "a/d", "e"]
    assert here.names() == set(renamed)


def test_names_that_change_places(here: Here) -> None:
    """ "x1" takes the name that "x11" leaves, whichever comes first."""
    here.make({"1": "one", "11": "eleven", "111": "more"})
    here("file.rename", paths=["1", "11", "111"], prefix="1")
    assert content(here, "11", "111", "1111") == ["one", "eleven", "more"]
    assert here.names() == {"11", "111", "1111"}


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(
        st.text("abAB.", min_size=1, max_size=4).filter(lambda name: name.strip(".")), min_size=1, unique=True
    ),
    chosen=st.integers(0, 2**16),
    rule=st.fixed_dictionaries(
        {},
        optional={
            "find": st.text("abAB.", min_size=1, max_size=2),
            "prefix": st.text(string.ascii_lowercase[:2], min_size=1, max_size=2),
            "suffix": st.text(string.ascii_lowercase[:2], min_size=1, max_size=2),
            "case": st.sampled_from(["lower", "upper"]),
            "extension": st.sampled_from(["a", "b"]),
        },
    ).filter(bool),
    replacement=st.text("abAB", max_size=2),
)
def test_a_rename_loses_nothing(
    fresh: Callable[[], Here], names: list[str], chosen: int, rule: dict[str, str], replacement: str
) -> None:
    here = fresh()
    here.make({name: name for name in names})
    picked = [name for number, name in enumerate(names) if chosen >> number & 1] or names[:1]
    if "find" in rule:
        rule["replacement"] = replacement
    before = here.tree()
    try:
        renamed = here.paths("file.rename", paths=picked, **rule)
    except Fault:
        assert here.tree() == before
        return
    assert sorted(path.read_text() for path in here.root.iterdir()) == sorted(names)
    assert [(here.root / new).read_text() for new in renamed] == picked


@settings(max_examples=60, deadline=None)
@given(
    tree=st.dictionaries(
        st.sampled_from(["a", "b", "d/a", "d/b", "d/e/a", "f/a", "f/d/a"]), st.text("xyz", max_size=2)
    ),
    picked=st.sets(st.sampled_from(["a", "b", "d", "d/a", "d/e", "f", "f/a", "f/d"]), min_size=1),
    to=st.sampled_from(["d", "d/e", "f", "g", "g/h", "a"]),
    call=st.sampled_from(["file.copy", "file.move"]),
    reference=st.booleans(),
)
def test_copies_and_moves_lose_nothing(
    fresh: Callable[[], Here], tree: dict[str, str], picked: set[str], to: str, call: str, reference: bool
) -> None:
    here = fresh()
    here.make({**tree, "always": "z"})
    before = here.tree()
    names = sorted(picked)
    if not reference and to in names:
        return
    try:
        here.paths(call, paths=found(*names) if reference else names, to=to)
    except Fault:
        assert here.tree() == before
        return
    files = sorted(str(value) for value in here.tree().values() if value[1] is not None)  # type: ignore[index]
    old = sorted(str(value) for value in before.values() if value[1] is not None)  # type: ignore[index]
    assert files == old if call == "file.move" else set(files) == set(old)
    if call == "file.copy":
        assert before.items() <= here.tree().items()


def test_real_paths_are_remembered(here: Here) -> None:
    """A call on many files of one directory looks at that directory's links once."""
    here.make({"d/a": "", "d/b": ""})
    workspace = Workspace(here.context())
    assert workspace.locate("d/a") != workspace.locate("d/b")
    assert list(workspace._real_parents) == [str(here.root / "d")]
