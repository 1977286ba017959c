"""The network that listens to a request apart from the kernel's."""

from __future__ import annotations

import numpy as np
import pytest

from casava_os.kernel.compiler.lexer import atoms
from casava_os.model.encoder import (
    LETTERS,
    LONGEST,
    PARTS,
    TABLES,
    TAGS,
    WIDTH,
    WORDS,
    Encoder,
    Matrix,
    masked,
    norm,
    said,
    shapes,
    sound,
)
from casava_os.model.reader import Reader
from tests.model.listening import hears, matrix


def random_reader() -> Reader:
    """Of small random weights."""
    return Reader(("a", "b", "c"), ("none", "x"), random_encoder())


def random_encoder() -> Encoder:
    rng = np.random.default_rng(1)
    found = {}
    for name, (rows, columns) in shapes(3, 2).items():
        numbers = rng.integers(-127, 128, rows * columns, np.int8).tobytes()
        shifts = () if name in TABLES else tuple(rng.normal(size=rows).tolist())
        found[name] = Matrix(numbers, (0.002,) * rows, shifts)
    return Encoder(found)


def test_what_is_heard_of_words() -> None:
    words = atoms("Don't delete 'my file.txt' in src/main.c, 12 times or .log 10MB v2")
    assert [masked(word) for word in words] == [
        "don't", "delete", '<"a a.a>', "in", "<a/a.a>", ",", "<0>", "times", "or", "<.a>", "<0a>", "<a0>",
    ]  # fmt: skip
    assert said(atoms("copy a.txt to b")) == said(atoms("copy b.md to b"))
    assert said(()) == ["^", "$"]


def test_a_mistyped_word_shares_letters_and_not_the_word() -> None:
    right, wrong, other = (sound(word) for word in ("delete", "delte", "move"))
    assert right.word != wrong.word
    assert len(set(right.letters) & set(wrong.letters)) >= 3
    assert not set(right.letters) & set(other.letters)
    assert sound("a").letters == ()
    for word in ("größe", "漢字", "🎉", "<a.a>"):
        assert 0 <= sound(word).word < WORDS
        assert all(0 <= slot < LETTERS for slot in sound(word).letters)


def test_the_log_odds_and_the_tags() -> None:
    reader = hears(
        {"x": -1.0, "y": 0.5}, {"delete": {"x": 5.0}, "list": {"y": -2.0}}, {"none": 1.0, "a": 0.0}
    )
    assert reader.hear("delete it").parts.tolist() == pytest.approx([4.0, 0.5], abs=0.05)
    assert reader.hear("list it").parts.tolist() == pytest.approx([-1.0, -1.5], abs=0.05)
    heard = reader.hear("please delete a.txt")
    assert [word.text for word in heard.words] == ["please", "delete", "a.txt"]
    assert np.exp(heard.tags).sum(1) == pytest.approx(1.0)
    assert heard.tags.argmax(1).tolist() == [0, 0, 0]
    assert reader.hear("").tags.shape == (0, 2)


def test_where_a_word_stands_counts() -> None:
    reader = random_reader()
    one, other = reader.hear("copy one two"), reader.hear("copy two one")
    assert np.abs(one.parts - other.parts).max() > 1e-4
    assert np.abs(one.tags[1] - other.tags[2]).max() > 1e-4, "a word's tag heeds its neighbours"
    assert reader.hear("copy one two").parts.tolist() == one.parts.tolist()


def test_what_stands_behind_the_longest_is_not_heard() -> None:
    reader = random_reader()
    long = " ".join(["word"] * (LONGEST - 2))
    one, other = reader.hear(long), reader.hear(f"{long} delete everything")
    assert one.parts.tolist() == other.parts.tolist()
    assert other.tags.shape == (LONGEST, 2)
    assert np.exp(other.tags[-2:]) == pytest.approx(0.5), "and nobody can tell what it is"


def test_the_matrices() -> None:
    found = shapes(7, 5)
    assert tuple(found)[:2] == TABLES
    assert found[PARTS] == (7, 2 * WIDTH)
    assert found[TAGS] == (5, WIDTH)
    one = matrix([[1.0, -0.5], [0.0, 2.0]], [1.0, 0.0])
    assert one(np.array([2.0, 1.0], np.float32)).tolist() == pytest.approx([2.5, 2.0], abs=0.02)
    assert np.square(norm(np.array([[3.0, 4.0]], np.float32))).mean() == pytest.approx(1.0)
    assert norm(np.zeros((1, 4), np.float32)).tolist() == [[0.0] * 4]
