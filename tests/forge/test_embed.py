"""A tiny embedding model from nothing: what it learns, that it goes on after a stop, and that llama.cpp runs the same one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import mse_loss, normalize

from casava_os.forge.embed import export, train, vocabulary
from casava_os.forge.embed import lesson as lessons
from casava_os.forge.embed.net import Encoder, Shape, padded, vectors
from casava_os.forge.embed.train import Settings, Training

STRINGS = [
    "find all python files larger than 10 MB", "naïve café 日本語 ファイル 🎉 \u202e 'quoted' `ls -la | wc -l`",
    "snake_case a.tar.gz ~/x/../y *.{py,js} $HOME 100% #1 [CLS] [SEP] ##ing", "tabs\tand\nnewlines\r\n  and   spaces",
    "עִבְרִית العربية مُحَمَّد 한국어 İstanbul ﬁle ß Ωmega привет", "a\u200bb x\x00y €5 © don't “q” … ǅ ⅳ ½ 1️⃣ a\u2010b", "", " ",
]  # fmt: skip


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lesson of few pairs, without a teacher, and the model after a few steps."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("embed")
    made = lessons.make(lessons.Sources(), None, 300)
    made.save(folder / "lesson.npz")
    vocabulary.train(made.texts, 2500).save(folder / "vocabulary.txt")
    return folder


def settings(directory: Path) -> Settings:
    return Settings(directory, 1000.0, rows=24, more=4, width=64, layers=2, heads=4, hidden=128)


def test_the_loss_falls_and_a_run_goes_on_where_it_stopped(directory: Path) -> None:
    training = Training(settings(directory))
    losses = [training.learn()[0] for _ in range(30)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    training.save()
    again = Training(settings(directory))
    assert (again.step, again.texts) == (30, training.texts)
    for one, other in zip(training.net.parameters(), again.net.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_teacher_is_followed(directory: Path, tmp_path: Path) -> None:
    """Vectors of the lesson's texts by another encoder: ours come to lie nearer to them than those of a run without it."""
    for name in ("lesson.npz", "vocabulary.txt"):
        (tmp_path / name).symlink_to(directory / name)
    kept = lessons.load(directory / "lesson.npz")
    words = vocabulary.load(directory / "vocabulary.txt")
    torch.manual_seed(5)
    teacher = Encoder(Shape(words.size, 32, 1, 4, 64))
    with torch.no_grad():
        taught = vectors(teacher, words.texts(kept.texts, 40))
    some = list(range(0, len(kept.texts), len(kept.texts) // 150))

    def apart(known: bool) -> tuple[float, float]:
        """After 40 steps: how far the mapped vectors of some texts are from the teacher's, and their cosines from its."""
        training = Training(settings(tmp_path))
        training.lesson = lessons.Lesson(
            kept.texts,
            kept.rows,
            kept.meanings,
            taught.numpy().astype(np.float16),
            np.full(len(kept.texts), known),
        )
        training.map = torch.nn.Linear(64, 32, bias=False)
        training.optimisers[1].add_param_group({"params": list(training.map.parameters())})
        for _ in range(40):
            training.learn()
        with torch.no_grad():
            ours = vectors(training.net, [training.tokens[number] for number in some]).float()
            mapped = normalize(training.map(ours), dim=-1)
        goal = taught[some]
        return float((1 - (mapped * goal).sum(-1)).mean()), float(mse_loss(ours @ ours.T, goal @ goal.T))

    (near, alike), (far, unlike) = apart(known=True), apart(known=False)
    assert near < 0.8 * far
    assert alike < unlike


def test_llama_cpp_runs_the_same_model_with_the_same_tokens(directory: Path, tmp_path: Path) -> None:
    Training(settings(directory)).save()
    out = tmp_path / "tiny.gguf"
    export.write(directory, out, "0")
    texts = lessons.load(directory / "lesson.npz").texts
    equality = export.check(directory, out, [*texts[:60], *STRINGS], [*texts, *STRINGS])
    assert equality.tokenizer_mismatches == 0
    assert equality.least_cosine > export.LEAST_COSINE
    assert list(tmp_path.iterdir()) == [out]


def test_padding_changes_no_vector() -> None:
    torch.manual_seed(1)
    net = Encoder(Shape(50, 32, 2, 4, 64)).eval()
    with torch.no_grad():
        alone = net(*padded([[2, 7, 8, 3]]))
        together = net(*padded([[2, 7, 8, 3], [2, *range(5, 30), 3]]))[:1]
    assert torch.allclose(alone, together, atol=1e-5)


def test_texts_that_mean_the_same_are_no_wrong_answers() -> None:
    one = torch.nn.functional.normalize(torch.randn(3, 8), dim=-1)
    crossed = one.flip(0)
    apart = train._ranking(one, crossed, one[:0], torch.tensor([1, 2, 3]))
    same = train._ranking(one, crossed, one[:0], torch.tensor([1, 1, 1]))
    assert float(same) == pytest.approx(0.0, abs=1e-6)
    assert float(apart) > 0
