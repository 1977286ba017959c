"""Permission bits, as chmod(1) sets them."""

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casava_sandbox.agent.modes import changed_mode
from tests.agent.here import Here

clause = st.builds(
    lambda who, operation, what: who + operation + what,
    st.text("ugoa", max_size=3),
    st.sampled_from("+-="),
    st.text("rwxX", max_size=3),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(clause, min_size=1, max_size=3).map(",".join), st.integers(0, 0o777), st.booleans())
def test_symbolic_modes_are_chmods(fresh, mode: str, old: int, directory: bool) -> None:  # type: ignore[no-untyped-def]
    path = fresh().root / "x"
    path.mkdir() if directory else path.touch()
    path.chmod(old)
    subprocess.run(["chmod", "--", mode, str(path)], check=True, preexec_fn=lambda: os.umask(0))
    assert changed_mode(mode, old, is_directory=directory) == path.stat().st_mode & 0o7777
    path.chmod(0o700)


@pytest.mark.parametrize("mode", ["u+s", "g+s", "+t", "u=rwx,g=rx,o=", "a=rX", "ug+s,o+t", "u-s"])
@pytest.mark.parametrize("old", [0o640, 0o4755, 0o2711, 0o1777])
def test_special_bits_are_chmods(here: Here, mode: str, old: int) -> None:
    for name in ("file", "directory"):
        path = here.root / name
        path.mkdir() if name == "directory" else path.touch()
        path.chmod(old)
        subprocess.run(["chmod", "--", mode, str(path)], check=True, preexec_fn=lambda: os.umask(0))
        assert oct(changed_mode(mode, old, is_directory=name == "directory")) == oct(
            path.stat().st_mode & 0o7777
        )


def test_octal_recursive_and_links(here: Here) -> None:
    here.make({"d/f": "", "d/e/g": "", "d/l": "-> f", "out": "-> d/f"})
    assert here.paths("file.chmod", paths=["d"], mode="700") == ["d"]
    assert here.tree()["d/f"] == (0o644, b"")
    here("file.chmod", paths=["d"], mode="u=rwX,go=", recursive=True)
    assert [here.tree()[name][0] for name in ("d", "d/e", "d/e/g")] == [0o700, 0o700, 0o600]  # type: ignore[index]
    here("file.chmod", paths=["out"], mode="755")
    assert here.tree()["d/f"] == (0o755, b"")
    here.fails("file.chmod", "not-found", paths=["d/f", "nope"], mode="644")
