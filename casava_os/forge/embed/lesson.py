"""What the embedding model is taught, made once and kept: triples of texts, texts alone, and the teacher's vectors of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.forge.data import Words, misspelt
from casava_os.forge.embed import phrases as wordings
from casava_os.forge.embed.phrases import Phrases, Triple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WRITTEN, SYNTHETIC = 0.6, 0.25
"""Shares of triples of hand-worded lines and of synthesized requests; the rest are requests with the same command line."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where texts come from beside the corpus and the synthesizer."""

    people: tuple[Path, ...] = ()
    """JSONL with `request` and `calls`: what `forge people` translated."""
    pairs: tuple[Path, ...] = ()
    """JSONL with `nl` and `cmd`."""


def _records(paths: Sequence[Path]) -> Iterator[dict[str, str]]:
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def triples(sources: Sources, count: int, seed: int) -> Iterator[Triple]:
    """So many triples; the same seed and files give the same ones."""
    from casava_os.forge import corpus, synth

    rng = random.Random(seed)
    pairs = list(_records(sources.pairs))
    kept_out = {text for some in wordings.same_command(pairs, held_out=True) for text in some}
    lines = wordings.training_lines()
    for path in sources.people:
        translated = corpus.parse(path.read_text("utf-8"), path.stem)
        lines += [line for line in translated if line.request.strip() not in kept_out]
    written = Phrases(wordings.of_lines(lines))
    examples = (synth.sample(rng) for _ in range(max(400, count // 2)))
    synthetic = Phrases(
        [one for one in (wordings.phrase(e.request, e.calls) for e in examples) if one is not None]
    )
    known = wordings.same_command(pairs, held_out=False)
    commands = [(number, some) for number, some in enumerate(known) if len(some) > 1]
    words = Words([one.text for one in written.all] + [text for some in known for text in some])
    for _ in range(count):
        draw = rng.random()
        if draw < WRITTEN or (draw >= WRITTEN + SYNTHETIC and not commands):
            made = written.draw(rng, words)
        elif draw < WRITTEN + SYNTHETIC:
            made = synthetic.draw(rng)
        else:
            number, some = rng.choice(commands)
            anchor, positive = rng.sample(some, 2)
            made = Triple(anchor, positive, None, -number - 1)
        yield Triple(_slipped(made.anchor, rng), made.positive, made.negative, made.meaning)


def _slipped(text: str, rng: random.Random) -> str:
    """The text, once in ten times with a word misspelt."""
    if rng.random() > 0.1:
        return text
    words = text.split(" ")
    long = [at for at, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if long:
        at = rng.choice(long)
        words[at] = misspelt(words[at], rng)
    return " ".join(words)


def alone(sources: Sources) -> list[str]:
    """Texts without a partner, which the teacher alone speaks of. None of a command that is held out."""
    pairs = wordings.same_command(list(_records(sources.pairs)), held_out=False)
    talk = [line.request for line in wordings.training_lines()]
    return sorted({text for some in pairs for text in some} | set(talk))


@dataclass(frozen=True, slots=True)
class Lesson:
    """Texts, and what is known of them; kept in one file."""

    texts: list[str]
    rows: NDArray[np.int64]
    """(rows, 3): numbers of the anchor, the positive and the negative; -1 for none."""
    meanings: NDArray[np.int64]
    """(rows,)"""
    taught: NDArray[np.float16]
    """(texts, width of the teacher): the teacher's vectors."""
    known: NDArray[np.bool_]
    """(texts,): whether the teacher was asked."""

    def save(self, path: Path) -> None:
        import numpy as np

        written = path.with_suffix(".new.npz")
        np.savez(
            written,
            texts=np.frombuffer(json.dumps(self.texts).encode(), dtype=np.uint8),
            rows=self.rows,
            meanings=self.meanings,
            taught=self.taught,
            known=self.known,
        )
        written.replace(path)


def load(path: Path) -> Lesson:
    """A lesson saved by `Lesson.save`."""
    import numpy as np

    with np.load(path) as kept:
        texts: list[str] = json.loads(kept["texts"].tobytes())
        return Lesson(texts, kept["rows"], kept["meanings"], kept["taught"], kept["known"])


def make(
    sources: Sources, teacher_folder: Path | None, count: int, *, asked: int = 40_000, seed: int = 1
) -> Lesson:
    """The lesson: `count` triples and texts alone. The teacher is asked about `asked` texts; without one, it has pairs only."""
    import numpy as np

    numbers: dict[str, int] = {}

    def number(text: str | None) -> int:
        return -1 if text is None else numbers.setdefault(text, len(numbers))

    made = list(triples(sources, count, seed))
    rows = [(number(one.anchor), number(one.positive), number(one.negative)) for one in made]
    for text in alone(sources):
        number(text)
    texts = list(numbers)
    known = np.zeros(len(texts), dtype=bool)
    taught = np.zeros((len(texts), 1), dtype=np.float16)
    if teacher_folder is not None:
        from casava_os.forge.embed.teacher import Teacher

        teacher = Teacher(teacher_folder)
        partnered = {place for row in rows for place in row}
        lonely = [place for place in range(len(texts)) if place not in partnered]
        rng = random.Random(seed)
        anchors = sorted({row[0] for row in rows})
        chosen = rng.sample(anchors, min(asked // 2, len(anchors)))
        chosen += rng.sample(lonely, min(asked - len(chosen), len(lonely)))
        known[chosen] = True
        taught = np.zeros((len(texts), teacher.width), dtype=np.float16)
        for start in range(0, len(chosen), 4096):
            part = chosen[start : start + 4096]
            taught[part] = teacher.vectors([texts[place] for place in part]).numpy()
            print(f"teacher: {start + len(part):,} of {len(chosen):,} texts", flush=True)
    return Lesson(texts, np.array(rows), np.array([one.meaning for one in made]), taught, known)
