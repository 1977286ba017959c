"""Sentences that ask for nothing are found in modules, and taught as such."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path

import pytest

from casava_os.forge import prose

MODULE = '''#!/usr/bin/python3
"""The files of a folder are read in no order.

Remove a file that nobody needs. Returns the names of all
that were found.

>>> the(example) is no sentence
"""

# This one goes over two lines of
# a comment and ends here.
x = 1  # the comment behind code is left alone here

def f():
    """The function says what it does."""
    "If this is no docstring, nobody reads it."

class C:
    class D:
        """A class inside of another one is read."""

    def g(self):
        # Too short.
        """Deletes the file when it is closed."""
'''
TOLD = {
    "A class inside of another one is read.",
    "Deletes the file when it is closed.",
    "Returns the names of all that were found.",
    "The files of a folder are read in no order.",
    "The function says what it does.",
    "This one goes over two lines of a comment and ends here.",
}


def library(root: Path, modules: dict[str, str]) -> Path:
    for name, text in modules.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def test_sentences_of_comments_and_docstrings_that_tell_of_something(tmp_path: Path) -> None:
    root = library(
        tmp_path,
        {
            "a.py": MODULE,
            "broken.py": "# The file that does not parse is left out.\ndef",
            "site-packages/b.py": '"""The packages of others are left out."""',
        },
    )
    assert set(prose.sentences(root)) | set(prose.sentences(root, kept_out=True)) == TOLD


def test_every_tenth_module_is_kept_out(tmp_path: Path) -> None:
    same = '"""The sentence of all modules is here."""\n'
    root = library(
        tmp_path,
        {f"m{at}.py": same + f"# The sentence of module {at} is here.\n" for at in range(200)},
    )
    taught, kept = prose.sentences(root), prose.sentences(root, kept_out=True)
    assert len(taught) + len(kept) == 201
    assert 8 <= len(kept) <= 35
    assert set(taught).isdisjoint(kept)
    assert "The sentence of all modules is here." in taught


@pytest.mark.parametrize(
    "order", ["Remove the file.", "delete a.txt", "copy the logs", "Files with no owner", "12 files are here"]
)
def test_what_may_be_an_order_does_not_tell(order: str) -> None:
    assert not prose.tells(order)


def test_it_is_taught_as_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = library(tmp_path, {f"{name}.py": MODULE for name in "abcdef"})
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(root))
    rng = random.Random(1)
    told = prose.sentences()
    some = [prose.sample(rng, told) for _ in range(200)]
    assert all(one.calls == ({"call": "ask"},) for one in some)
    texts = {one.request for one in some}
    assert texts >= TOLD, "as they stand"
    assert "the function says what it does" in texts, "and as people paste them"
