"""Where arguments begin and end in a request, and what quantities mean."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casava_os.kernel.compiler.lexer import atoms, moment, normalise, number
from casava_syscalls.shapes import Lexeme

NOW = datetime.fromisoformat("2026-03-18T15:30")  # a Wednesday


@pytest.mark.parametrize(
    ("request_text", "words"),
    [
        ("delete foo.txt.", ["delete", "foo.txt", "."]),
        ("show a.txt, b.txt", ["show", "a.txt", ",", "b.txt"]),
        ("show a.txt,b.txt", ["show", "a.txt", ",", "b.txt"]),
        ("bigger than 1,000 kb?", ["bigger", "than", "1,000", "kb", "?"]),
        ('make "my notes.txt" now', ["make", "my notes.txt", "now"]),
        ("run `ls -la | wc`", ["run", "ls -la | wc"]),
        ("don't delete main.py's copy", ["don't", "delete", "main.py", "'s", "copy"]),
        ("list (hidden) files", ["list", "(", "hidden", ")", "files"]),
        ("go to ..", ["go", "to", ".."]),
        ("ls src/*.py", ["ls", "src/*.py"]),
        ("use \u201cdouble curly\u201d quotes", ["use", "double curly", "quotes"]),
        ("", []),
        ("   ", []),
    ],
)
def test_atoms(request_text: str, words: list[str]) -> None:
    assert [atom.text for atom in atoms(request_text)] == words


@given(st.text(max_size=80))
def test_atoms_lie_in_the_request_in_order(request_text: str) -> None:
    end = 0
    for atom in atoms(request_text):
        assert end <= atom.start < atom.end <= len(request_text)
        raw = request_text[atom.start : atom.end]
        assert atom.text == (raw[1:-1] if atom.quoted else raw)
        end = atom.end


@pytest.mark.parametrize(
    ("lexeme", "text", "meaning"),
    [
        ("duration", "a week", "1 week"),
        ("duration", "week", "1 week"),
        ("duration", "two-hour", "2 hour"),
        ("duration", "half an hour", "0.5 hour"),
        ("duration", "30d", "30 d"),
        ("duration", "last week", "1 week"),
        ("duration", "past hour", "1 hour"),
        ("duration", "last resort", None),
        ("duration", "soon", None),
        ("size", "half a gig", "0.5 gig"),
        ("size", "10MB", "10 mb"),
        ("size", "1,5 MB", "1.5 mb"),
        ("size", "mb", None),
        ("size", "a few mb", None),
        ("count", "ten", 10),
        ("count", "a dozen", 12),
        ("count", "5th", 5),
        ("count", "1,000", 1000),
        ("count", "0", None),
        ("count", "2.5", None),
        ("extension", "python", ["py"]),
        ("extension", ".tar.gz", ".tar.gz"),
        ("extension", "a/b", None),
        ("mode", "755", "755"),
        ("mode", "rwx", None),
        ("glob", "*.py", "*.py"),
        ("glob", "[x", None),
    ],
)
def test_normalise(lexeme: Lexeme, text: str, meaning: object) -> None:
    assert normalise(lexeme, text, NOW) == meaning


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("today", "2026-03-18T00:00:00"),
        ("yesterday", "2026-03-17T00:00:00"),
        ("last monday", "2026-03-16T00:00:00"),
        ("wednesday", "2026-03-11T00:00:00"),
        ("january", "2026-01-01T00:00:00"),
        ("december", "2025-12-01T00:00:00"),
        ("march 3rd", "2026-03-03T00:00:00"),
        ("3 march", "2026-03-03T00:00:00"),
        ("3rd of Mar 2025", "2025-03-03T00:00:00"),
        ("sept. 2024", "2024-09-01T00:00:00"),
        ("12 oct 2025", "2025-10-12T00:00:00"),
        ("2025-12-24", "2025-12-24T00:00:00"),
        ("2025", "2025-01-01T00:00:00"),
        ("three days ago", "2026-03-15T00:00:00"),
        ("a week ago", "2026-03-11T00:00:00"),
        ("2 hours ago", "2026-03-18T13:30:00"),
        ("this week", "2026-03-16T00:00:00"),
        ("this morning", "2026-03-18T00:00:00"),
        ("morning", "2026-03-18T00:00:00"),
        ("this afternoon", "2026-03-18T12:00:00"),
        ("last night", "2026-03-17T18:00:00"),
        ("yesterday evening", "2026-03-17T18:00:00"),
        ("last month", "2026-02-01T00:00:00"),
        ("this year", "2026-01-01T00:00:00"),
        ("last year", "2025-01-01T00:00:00"),
        ("24.12.2025", "2025-12-24T00:00:00"),
        ("31.2.2025", None),
        ("some time ago", None),
        ("february 31", None),
        ("someday", None),
    ],
)
def test_moment(text: str, iso: str | None) -> None:
    assert moment(text, NOW) == iso


def test_number_words() -> None:
    assert [number(word) for word in ("twenty-five", "half a", "couple", "seventeenth-ish")] == [
        25,
        0.5,
        2,
        None,
    ]
