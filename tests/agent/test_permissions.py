"""What the caller may not do is said before anything is done. Run by a user who is not root, whoever runs the tests."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agent.here import Here

CASES: list[tuple[str, dict[str, object]]] = [
    ("file.read", {"paths": ["secret"]}),
    ("file.write", {"path": "fixed", "content": "x", "how": "append"}),
    ("file.write", {"path": "fixed", "content": "x", "how": "overwrite"}),
    ("file.write", {"path": "closed/new", "content": "x"}),
    ("file.copy", {"paths": ["ok", "tree"], "to": "d"}),
    ("file.copy", {"paths": ["ok"], "to": "closed"}),
    ("file.move", {"paths": ["ok", "closed/f"], "to": "d"}),
    ("file.rename", {"paths": ["ok", "closed/f"], "suffix": "x"}),
    ("file.delete", {"paths": ["ok", "closed"]}),
    ("file.touch", {"paths": ["ok", "closed/new"]}),
    ("file.make_dir", {"paths": ["new", "closed/new"]}),
    ("file.archive", {"paths": ["."], "to": "d/a.zip"}),
    ("text.replace", {"paths": ["ok", "fixed"], "find": "x", "replacement": "y"}),
]


@pytest.fixture
def guarded() -> Iterator[Here]:
    """A workspace that another user can reach, with places that this user cannot."""
    top = Path(tempfile.mkdtemp(prefix="casava-guarded-"))
    top.chmod(0o755)
    here = Here(top / "workspace", top)
    here.root.mkdir()
    here.make(
        {"secret": "x", "fixed": "x", "ok": "x", "d": None, "closed/f": "x", "tree/f": "x", "tree/s": "x"}
    )
    (here.root / "secret").chmod(0)
    (here.root / "tree/s").chmod(0)
    (here.root / "fixed").chmod(0o444)
    (here.root / "closed").chmod(0o555)
    if os.geteuid() == 0:
        for path in [here.root, *here.root.rglob("*")]:
            os.chown(path, 65534, 65534)
    yield here
    (here.root / "closed").chmod(0o755)
    shutil.rmtree(top)


def as_nobody(action: Callable[[], None]) -> str:
    """What goes wrong in `action`, performed without root's powers; empty when nothing does."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        problem = "it did not end"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
            action()
            problem = ""
        except BaseException as error:  # noqa: BLE001 - told to the parent
            problem = repr(error)
        finally:
            os.write(writing, problem.encode())
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        problem = pipe.read().decode()
    os.waitpid(child, 0)
    return problem


@pytest.mark.parametrize(("call", "fields"), CASES)
def test_nothing_is_done_that_cannot_be_done_whole(
    guarded: Here, call: str, fields: dict[str, object]
) -> None:
    readable = guarded.tree
    before = readable()
    guarded.tree = dict  # type: ignore[method-assign]  # nobody cannot read all of it; root looks afterwards

    def action() -> None:
        if call == "file.read":
            with pytest.raises(PermissionError):
                guarded(call, **fields)
        else:
            guarded.fails(call, "permission", **fields)

    guarded(call="file.stat", paths=["."])  # imports what it needs before the powers go
    assert as_nobody(action) == ""
    assert readable() == before


def test_a_search_passes_over_what_cannot_be_read(guarded: Here) -> None:
    (guarded.root / "tree").chmod(0)

    def action() -> None:
        found = guarded("text.search", pattern="x")["items"]
        assert isinstance(found, list)
        assert [item["path"] for item in found] == ["closed/f", "fixed", "ok"]
        assert "tree" in guarded.paths("file.find")

    guarded(call="file.stat", paths=["."])
    assert as_nobody(action) == ""
    (guarded.root / "tree").chmod(0o755)
