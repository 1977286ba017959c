"""Reading, writing, touching, making, deleting and linking; and that nothing leaves the workspace."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casava_sandbox.agent.files import remove
from tests.agent.here import Here


def test_read_whole_and_in_parts(here: Here) -> None:
    here.make({"a": "1\n2\n3\n4\n5", "b": "x\n"})
    assert here.text("file.read", paths=["a", "b"]) == "1\n2\n3\n4\n5\nx\n"
    assert here.text("file.read", paths=["a"], first=2) == "1\n2\n"
    assert here.text("file.read", paths=["a"], last=2) == "4\n5"
    assert here.text("file.read", paths=["a"], from_line=2, to_line=3) == "2\n3\n"
    assert here.text("file.read", paths=["a"], from_line=4) == "4\n5"
    assert here.text("file.read", paths=["a", "b"], first=1) == "1\nx\n"
    assert here.text("file.read", paths=["a"], from_line=9) == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(here: Here, encoding: str) -> None:
    here.make({"a": "grüße\nzwei\n".encode(encoding)})
    assert here.text("file.read", paths=["a"]) == "grüße\nzwei\n"
    assert here.text("file.read", paths=["a"], last=1) == "zwei\n"


def test_what_cannot_be_read(here: Here) -> None:
    here.make(
        {
            "bin": b"a\0b",
            "d": None,
            "noise": bytes(range(1, 9)) * 20 + b"\xff",
            "Report.TXT": "x",
            "l": "-> gone",
        }
    )
    os.mkfifo(here.root / "pipe")
    here.fails("file.read", "not-text", paths=["bin"])
    here.fails("file.read", "not-text", paths=["noise"])
    here.fails("file.read", "not-a-file", paths=["d"])
    here.fails("file.read", "unsupported", paths=["pipe"])
    assert here.fails("file.read", "not-found", paths=["report.txt"]).hint == "did you mean Report.TXT?"
    assert "link to nothing" in here.fails("file.read", "not-found", paths=["l"]).title
    here.fails("file.read", "not-found", paths=["bin/inner"])
    here.limits = {"memory_bytes": 8}
    here.make({"big": "12"})
    here.fails("file.read", "limit", paths=["big"])


def test_what_is_missing_is_named_where_it_is_when_that_is_one_place(here: Here) -> None:
    here.make(
        {
            "notes/shopping.txt": "x",
            "shopping": "x",
            ".hidden/secret.txt": "x",
            "a/two": "x",
            "b/two": "x",
            "docs/README.md": "x",
            "a/three.md": "x",
            "b/three.txt": "x",
        }
    )
    missing = here.fails("file.read", "not-found", paths=["shopping.txt"])
    assert (missing.title, missing.message) == ("There is no shopping.txt", "")
    assert missing.hint == "did you mean notes/shopping.txt?"
    elsewhere = here.fails("file.read", "not-found", paths=["old/shopping.txt"])
    assert (elsewhere.message, elsewhere.hint) == ("there is no old", "did you mean notes/shopping.txt?")
    assert here.fails("file.read", "not-found", paths=["two"]).hint == ""
    assert here.fails("file.read", "not-found", paths=["secret.txt"]).hint == ""
    assert here.fails("file.read", "not-found", paths=["readme"]).hint == "did you mean docs/README.md?"
    assert here.fails("file.read", "not-found", paths=["three"]).hint == ""


def test_write_in_every_way(here: Here) -> None:
    assert here.paths("file.write", path="new/dir/a.txt", content="one") == ["new/dir/a.txt"]
    a = here.root / "new/dir/a.txt"
    assert a.read_text() == "one\n"
    assert here.fails("file.write", "exists", path="new/dir/a.txt", content="two").hint
    here("file.write", path="new/dir/a.txt", content="two\n", how="append")
    here("file.write", path="new/dir/a.txt", content="zero", how="prepend")
    assert a.read_text() == "zero\none\ntwo\n"
    a.chmod(0o751)
    here("file.write", path="new/dir/a.txt", content="", how="overwrite")
    assert (a.read_text(), a.stat().st_mode & 0o7777) == ("", 0o751)
    here("file.write", path="b", content="made", how="append")
    assert (here.root / "b").read_text() == "made\n"
    here.fails("file.write", "not-a-file", path="new", content="x", how="overwrite")
    here.fails("file.write", "not-a-directory", path="b/c", content="x")


def test_what_is_added_takes_on_the_files_style(here: Here) -> None:
    here.make(
        {
            "open": "a",
            "dos": "a\r\nb\r\n",
            "wide": "a\n".encode("utf-16"),
            "old": "é\n".encode("latin-1"),
            "marked": "a\n".encode("utf-8-sig"),
            "long": "é" * 40_000,
        }
    )
    for name in ("open", "dos", "wide", "old", "marked", "long"):
        here("file.write", path=name, content="ü\nz", how="append")
        here("file.write", path=name, content="ä", how="prepend")
    read = {
        name: (here.root / name).read_bytes() for name in ("open", "dos", "wide", "old", "marked", "long")
    }
    assert read["open"].decode() == "ä\na\nü\nz\n"
    assert read["dos"].decode() == "ä\r\na\r\nb\r\nü\r\nz\r\n"
    assert read["wide"].decode("utf-16") == "ä\na\nü\nz\n"
    assert read["old"].decode("latin-1") == "ä\né\nü\nz\n"
    assert read["marked"].decode("utf-8-sig") == "ä\na\nü\nz\n"
    assert read["long"].decode() == "ä\n" + "é" * 40_000 + "\nü\nz\n"
    here.fails("file.write", "unsupported", path="old", content="Ω", how="append")


def test_values_are_written_as_they_read(here: Here) -> None:
    name = b"odd-\xff"
    Path(os.fsdecode(os.path.join(os.fsencode(here.root), name))).touch()
    here("file.write", path="list", content=here("file.find"))
    assert (here.root / "list").read_bytes() == name + b"\n"
    here("file.write", path="n", content={"kind": "number", "value": 3, "unit": ""})
    assert (here.root / "n").read_text() == "3\n"
    here(
        "file.write",
        path="e",
        content={"kind": "exit", "code": 0, "stdout": "out", "stderr": "no", "seconds": 1.0},
    )
    assert (here.root / "e").read_text() == "out\n"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")))
def test_what_was_written_is_read(fresh, text: str) -> None:  # type: ignore[no-untyped-def]
    here: Here = fresh()
    here("file.write", path="f", content=text)
    raw = (here.root / "f").read_bytes()
    assert raw.decode() == (text if not text or text.endswith("\n") else text + "\n")
    assert here.text("file.read", paths=["f"]) == raw.decode("utf-8-sig")


def test_touch(here: Here) -> None:
    here.make({"a": "kept"})
    os.utime(here.root / "a", (1, 1))
    assert here.paths("file.touch", paths=["a", "deep/b"]) == ["a", "deep/b"]
    assert (here.root / "a").read_text() == "kept"
    assert abs((here.root / "a").stat().st_mtime - time.time()) < 60
    assert (here.root / "deep/b").stat().st_size == 0


def test_make_dir(here: Here) -> None:
    here.make({"f": "", "d": None})
    assert here.paths("file.make_dir", paths=["a/b/c", "d"]) == ["a/b/c", "d"]
    here.fails("file.make_dir", "exists", paths=["x", "f"])
    here.fails("file.make_dir", "not-a-directory", paths=["f/x"])


def test_delete(here: Here) -> None:
    here.make(
        {"d/e/f": "", "d/l": "-> ../keep", "keep/k": "", "a": "", "b": "", "lk": "-> keep", "bad": "-> gone"}
    )
    assert here.fails("file.delete", "not-found", paths=["a", "bb"]).hint
    assert here.paths("file.delete", paths=["d/e", "d", "a", "lk", "bad", "a"]) == ["d", "a", "lk", "bad"]
    assert here.names() == {"keep", "keep/k", "b"}
    assert here.paths("file.delete", paths={"kind": "files", "items": []}) == []
    here.fails("file.delete", "usage", paths={"kind": "files", "items": [{"path": "."}]})


def test_a_very_deep_tree_goes(here: Here) -> None:
    deep = here.root
    for _ in range(1500):
        deep = deep / "d"
        os.mkdir(deep)
    remove(here.context(), str(here.root / "d"))
    assert here.names() == set()


def test_link(here: Here) -> None:
    here.make({"data/f": "content", "sub/x": None, "shortcut": "-> sub/x"})
    item = here("file.link", target="data/f", path="sub/x/l")["items"][0]  # type: ignore[index]
    assert item["target"] == "../../data/f"
    assert (here.root / "sub/x/l").read_text() == "content"
    here("file.link", target="data/f", path="shortcut/m")
    assert (here.root / "sub/x/m").read_text() == "content"
    assert here.paths("file.link", target="data/f", path="sub") == ["sub/f"]
    here("file.link", target="data/f", path="hard", hard=True)
    assert (here.root / "hard").stat().st_nlink == 2
    here.fails("file.link", "exists", target="data", path="hard")
    here.fails("file.link", "not-found", target="dat", path="new")
    here.fails("file.link", "not-a-file", target="data", path="new", hard=True)


OUTSIDE = [
    ("file.write", {"path": "out/x", "content": "x"}),
    ("file.write", {"path": "leak", "content": "x", "how": "overwrite"}),
    ("file.write", {"path": "leak", "content": "x", "how": "append"}),
    ("file.touch", {"paths": ["out/x"]}),
    ("file.touch", {"paths": ["leak"]}),
    ("file.make_dir", {"paths": ["out/x"]}),
    ("file.copy", {"paths": ["in"], "to": "out/x"}),
    ("file.copy", {"paths": ["in"], "to": "out"}),
    ("file.move", {"paths": ["in"], "to": "out"}),
    ("file.move", {"paths": ["out/victim"], "to": "x"}),
    ("file.rename", {"paths": ["out/victim"], "to": "x"}),
    ("file.delete", {"paths": ["out/victim"]}),
    ("file.chmod", {"paths": ["leak"], "mode": "777"}),
    ("file.link", {"target": "in", "path": "out/x"}),
    ("file.archive", {"paths": ["in"], "to": "out/x.zip"}),
    ("file.extract", {"paths": ["pack.zip"], "to": "out"}),
    ("file.read", {"paths": ["leak"]}),
    ("file.list", {"path": "out"}),
    ("file.hash", {"paths": ["leak"]}),
    ("file.diff", {"left": "leak", "right": "in"}),
    ("text.replace", {"paths": ["leak"], "find": "s", "replacement": "x"}),
    ("text.replace", {"paths": ["out"], "find": "s", "replacement": "x"}),
    ("text.search", {"pattern": "s", "source": ["out"]}),
]


@pytest.mark.parametrize(("call", "fields"), OUTSIDE)
def test_no_link_leads_out(here: Here, call: str, fields: dict[str, object]) -> None:
    outside = here.root.parent / "outside"
    outside.mkdir()
    (outside / "victim").write_text("secret")
    here.make({"in": "inside", "out": f"-> {outside}", "leak": "-> ../outside/victim"})
    if call == "file.extract":
        here("file.archive", paths=["in"], to="pack.zip")
    here.fails(call, "outside-workspace", **fields)
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("victim", "secret")]


def test_recursion_does_not_follow_links_out(here: Here) -> None:
    outside = here.root.parent / "outside"
    outside.mkdir()
    (outside / "victim").write_text("secret")
    here.make({"d/out": f"-> {outside}", "d/leak": f"-> {outside}/victim", "d/f": "secret"})
    assert here.paths("text.replace", paths=["."], find="secret", replacement="open") == ["d/f"]
    here("file.chmod", paths=["d"], mode="go+w", recursive=True)
    assert here.number("file.size") == 4
    here("file.delete", paths=["d"])
    assert (outside / "victim").read_text() == "secret"


def test_paths_that_the_abi_refuses_are_refused_again(here: Here) -> None:
    for path in ("/etc", "../x", "a/../../x", ""):
        value = {"kind": "files", "items": [{"path": path}]}
        here.fails("file.delete", "type" if not path else "outside-workspace", paths=value)


def test_links_inside_are_followed_for_writing(here: Here) -> None:
    here.make({"real/f": "a\n", "alias": "-> real", "lf": "-> real/f", "loop": "-> loop"})
    here("file.write", path="alias/g", content="new")
    here("file.write", path="lf", content="b", how="overwrite")
    assert (here.root / "real/g").read_text() == "new\n"
    assert (here.root / "real/f").read_text() == "b\n"
    assert (here.root / "lf").is_symlink()
    here.fails("file.read", "not-found", paths=["loop"])
    here.fails("file.write", "not-a-directory", path="loop/x", content="")
    here.fails("file.write", "not-found", path="loop", content="", how="overwrite")
