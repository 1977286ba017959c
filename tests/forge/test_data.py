"""Training rows: what is copied stays copied, whatever augmentation does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from casava_os.forge import corpus
from casava_os.forge import tokenizer as vocabularies
from casava_os.forge.data import (
    MAX_TOKENS,
    Rows,
    Words,
    batches,
    noise,
    redressed,
    row,
    swap,
    without_defaults,
)
from casava_os.kernel.compiler.lexer import atoms
from casava_os.kernel.compiler.tagged import Copy, SurfaceCall, control_names, encode

EXAMPLES: list[tuple[str, list[SurfaceCall]]] = [
    (
        "delete the .tmp files older than a week in build",
        [
            {"call": "file.find", "root": "build", "extension": [".tmp"], "older_than": "a week"},
            {"call": "file.delete", "paths": "$1"},
        ],
    ),
    (
        "please append 'hello world' to Notes.txt now",
        [{"call": "file.write", "path": "Notes.txt", "content": "hello world", "how": "append"}],
    ),
    ("copy src/main.py to OLD", [{"call": "file.copy", "paths": ["src/main.py"], "to": "OLD"}]),
    ("delete the delete folder", [{"call": "file.delete", "paths": ["delete"]}]),
]


@dataclass(frozen=True)
class Toy:
    request: str
    calls: list[SurfaceCall]
    piped_stdin: bool = False


def sample(rng: random.Random) -> Toy:
    return Toy(*rng.choice(EXAMPLES))


@pytest.fixture(scope="module")
def vocabulary() -> vocabularies.Vocabulary:
    return vocabularies.train([request for request, _ in EXAMPLES] * 5, size=800)


def copies(calls: list[SurfaceCall]) -> list[str]:
    return [segment.text for segment in encode(calls) if isinstance(segment, Copy)]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_swapped_arguments_stand_in_the_swapped_request(number: int) -> None:
    request, calls = EXAMPLES[number]
    words = Words(["alpha beta gamma delta omega"])
    changed = 0
    for seed in range(50):
        other, swapped = swap(request, calls, words, random.Random(seed))
        assert len(atoms(other)) == len(atoms(request))
        texts = {atom.text for atom in atoms(other)}
        assert all(text in texts or text in other for text in copies(swapped))
        assert [call["call"] for call in swapped] == [call["call"] for call in calls]
        changed += other != request
    # "delete" is also the verb: such an argument is left alone.
    assert changed == 0 if "delete folder" in request else changed > 30


def test_sizes_ages_and_formats_are_never_swapped() -> None:
    request, calls = EXAMPLES[0]
    for seed in range(30):
        _, swapped = swap(request, calls, Words(["alpha beta"]), random.Random(seed))
        assert swapped[0]["extension"] == [".tmp"]
        assert swapped[0]["older_than"] == "a week"


def test_the_end_of_an_archive_says_what_it_is() -> None:
    calls: list[SurfaceCall] = [{"call": "file.archive", "paths": ["runs"], "to": "backup.tar.gz"}]
    ends = [
        swap("pack runs into backup.tar.gz", calls, Words(["alpha beta gamma"]), random.Random(seed))[1][0][
            "to"
        ]
        for seed in range(50)
    ]
    assert all(str(end).endswith(".tar.gz") for end in ends), ends
    assert len(set(ends)) > 10, "a name is swapped, now and then for one of several"


def test_hand_worded_lines_stay_what_they_ask_for() -> None:
    """Whatever is done to their words, the plan's arguments stand in them."""
    rng = random.Random(5)
    lines = [line for line in corpus.load() if not line.piped_stdin]
    words = Words([line.request for line in lines])
    changed = 0
    for line in rng.sample(lines, 1500):
        request, calls = swap(line.request, without_defaults(line.calls), words, rng)
        anew = noise(redressed(request, calls, rng), calls, words, rng)
        changed += anew != request
        problem = corpus.problem(corpus.Line(anew, tuple(calls), writer=line.writer))
        assert problem is None, (line.request, request, anew, problem)
    assert changed > 700


def test_noise_keeps_every_argument() -> None:
    words = Words(["alpha beta gamma delta omega"])
    for request, calls in EXAMPLES:
        noisy = [noise(request, calls, words, random.Random(seed)) for seed in range(60)]
        assert all(text in one for one in noisy for text in copies(calls))
        assert len(set(noisy)) > 5


def test_arguments_equal_to_defaults_are_left_out() -> None:
    calls: list[SurfaceCall] = [
        {"call": "file.find", "root": ".", "empty": False, "extension": ["py"]},
        {"call": "file.size", "paths": ["."]},
        {"call": "file.list", "path": "src"},
    ]
    assert without_defaults(calls) == [
        {"call": "file.find", "empty": False, "extension": ["py"]},
        {"call": "file.size"},
        {"call": "file.list", "path": "src"},
    ]


def test_only_the_plan_is_learned_and_copied_text_counts_double(vocabulary: vocabularies.Vocabulary) -> None:
    request, calls = EXAMPLES[1]
    made = row(vocabulary, request, False, encode(calls))
    prompt = vocabulary.prompt(request, False)
    assert made.ids[: len(prompt)] == tuple(prompt)
    assert set(made.weights[: len(prompt)]) == {0.0}
    assert min(made.weights[len(prompt) :]) == 1.0
    assert 2.0 in made.weights
    assert vocabulary.segments(made.ids[len(prompt) :]) == encode(calls)


def test_batches_hold_about_the_budget_and_lose_no_row(vocabulary: vocabularies.Vocabulary) -> None:
    rng = random.Random(1)
    rows = Rows(vocabulary, sample, ["some other text"], rng)
    rows.echo = 0.3
    stream: Iterator[object] = batches(iter(rows), lambda: 600, rng)
    for _ in range(20):
        batch = next(stream)
        assert 0 < batch.ids.size <= 600 + MAX_TOKENS  # type: ignore[attr-defined]
        assert batch.ids.shape == batch.weights.shape  # type: ignore[attr-defined]
        assert (batch.weights.sum(1) > 0).all()  # type: ignore[attr-defined]


def test_a_word_has_the_same_tokens_wherever_it_stands(vocabulary: vocabularies.Vocabulary) -> None:
    for text in ("Notes.txt", "src/main.py", "a week", "naïve café", "日本", "x_1-y"):
        alone = vocabulary.text(text)
        inside = vocabulary.text(f"put '{text}' in ({text}), {text}!")
        found = [i for i in range(len(inside)) if inside[i : i + len(alone)] == alone]
        assert len(found) >= 3
        assert vocabulary.decode(alone) == text


def test_text_never_gives_a_control_token(vocabulary: vocabularies.Vocabulary) -> None:
    everything = " ".join(f"<|{name}|>" for name in control_names())
    assert set(vocabulary.text(everything)).isdisjoint(vocabulary.controls.values())
    assert vocabulary.decode(vocabulary.text(everything)) == everything


def test_merges_hold_letters_only(vocabulary: vocabularies.Vocabulary) -> None:
    assert vocabulary.merges()
    assert all((a + b).isascii() and (a + b).isalpha() for a, b in vocabulary.merges())
