"""What the forge writes, the engine reads: the same network, the same tokens."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from casava_os.forge import export
from casava_os.forge import tokenizer as vocabularies
from casava_os.forge.net import Net, Shape
from casava_os.forge.train import Settings, Training
from casava_os.kernel.compiler.tagged import PLAN, Control, Copy
from casava_os.model import gguf_file, load
from casava_os.model.engine import Engine
from casava_syscalls.results import Ok

TEXTS = (
    "find all python files larger than 10 MB",
    "naïve café 日本語 🎉 \u202e 'quoted' \"double\" `ls -la | wc -l`",
    "snake_case camelCase UPPER kebab-case a.tar.gz ~/x/../y *.{py,js} $HOME 100% #1 <|end|> <|plan|>",
    "tabs\tand\nnewlines\r\n  and   runs of spaces",
)


@pytest.fixture(scope="module")
def forged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    torch.manual_seed(2)
    directory = tmp_path_factory.mktemp("forge")
    vocabulary = vocabularies.train(TEXTS * 5, size=700)
    vocabulary.save(directory / "tokenizer.json")
    net = Net(Shape(vocabulary=vocabulary.size, width=64, layers=2, heads=2, hidden=96))
    state = {"net": net.state_dict(), "shape": net.shape.asdict(), "step": 1, "tokens": 2, "spent": 3.0}
    torch.save(state, directory / "checkpoint.pt")
    out = directory / "made.gguf"
    export.write(directory, out, "9", 0.5, -0.25, "a test")
    return directory, out


def test_the_file_passes_the_check_and_keeps_its_figures(forged: tuple[Path, Path]) -> None:
    read = gguf_file.read(forged[1])
    assert isinstance(read, Ok), read
    assert (read.value.version, read.value.slope, read.value.offset, read.value.basis) == (
        "9",
        0.5,
        -0.25,
        "a test",
    )


def test_llama_cpp_runs_the_same_network(forged: tuple[Path, Path]) -> None:
    equality = export.check(*forged, [(text, [Copy(text), Control("end")]) for text in TEXTS], ())
    assert equality.positions > 100
    assert equality.mean_difference < 0.1
    # An untrained network has near ties everywhere; what is left is llama.cpp's rounding of activations to 8 bits.
    assert equality.same_argmax > 0.6


def test_the_prompt_that_is_read_in_both_directions_ends_with_its_last_token(
    forged: tuple[Path, Path],
) -> None:
    """llama.cpp's numbers are nearer to torch's with that prompt than with one a token shorter, or none at all."""
    directory, path = forged
    net, _ = export.load_net(directory / "checkpoint.pt")
    vocabulary = vocabularies.load(directory / "tokenizer.json")
    engine = Engine(path, prompt_end=vocabulary.controls[PLAN])
    away = dict.fromkeys((0, 1, 2), 0.0)
    for text in TEXTS:
        prompt = vocabulary.prompt(text, False)
        ids = [*prompt, *vocabulary.plan([Copy(text)])]
        engine.forget()
        ours = torch.from_numpy(engine.evaluate(ids, last=len(ids) - len(prompt) + 1))
        for kind, length in enumerate((len(prompt), len(prompt) - 1, 0)):
            with torch.no_grad():
                theirs = net(torch.tensor([ids]), torch.tensor([length]))[0, len(prompt) - 1 :]
            away[kind] += float((ours - theirs).abs().mean())
    engine.close()
    assert away[0] < 0.7 * away[1]
    assert away[0] < 0.7 * away[2]


def test_both_tokenizers_agree_on_any_string(forged: tuple[Path, Path]) -> None:
    rng = random.Random(4)
    alphabet = "abcXYZ019 _-./\\'\"`*?[]{}()<>|&;:,!@#$%^~+=\t\n éßñ日本🎉\u0301\u200d"
    strings = ["".join(rng.choices(alphabet, k=rng.randint(1, 40))) for _ in range(3000)]
    assert export.check(*forged, (), [*TEXTS, *strings]).tokenizer_mismatches == 0


def test_an_untrained_model_loads_and_answers_with_a_plan_or_none(forged: tuple[Path, Path]) -> None:
    loaded = load(str(forged[1]))
    assert isinstance(loaded, Ok)
    assert loaded.value.name == "made 9"
    loaded.value.close()


def test_a_finished_model_is_taken_up_as_it_was(forged: tuple[Path, Path], tmp_path: Path) -> None:
    """From the file alone come the tokenizer, the shape and the weights that llama.cpp runs, and a run goes on from them."""
    directory, model = forged
    export.take_up(model, tmp_path)
    taken, progress = export.load_net(tmp_path / "checkpoint.pt")
    trained, _ = export.load_net(directory / "checkpoint.pt")
    assert taken.shape == trained.shape
    assert progress == export.Progress(0, 2, 0.0, "casava-smol 9", 2)
    for name, weight in trained.state_dict().items():
        # Q8_0: 32 weights share a scale, and the largest of them is 127 steps.
        assert (taken.state_dict()[name] - weight).abs().max() <= weight.abs().max() / 127, name
    before, after = (vocabularies.load(place / "tokenizer.json") for place in (directory, tmp_path))
    assert (after.tokens(), after.merges(), after.controls) == (
        before.tokens(),
        before.merges(),
        before.controls,
    )
    assert [after.text(text) for text in TEXTS] == [before.text(text) for text in TEXTS]
    again = tmp_path / "again.gguf"
    export.write(tmp_path, again, "9", 0.5, -0.25, "a test")
    assert again.read_bytes() == model.read_bytes()
    resumed = Training(Settings(directory=tmp_path, texts=(), seconds=1.0, width=32, layers=1))
    assert (resumed.tokens, resumed.net.shape) == (2, trained.shape)
    resumed.save()
    assert export.load_net(tmp_path / "checkpoint.pt")[1] == progress


def test_only_what_is_ours_is_taken_up(forged: tuple[Path, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(forged[1].read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"broken\.gguf"):
        export.take_up(broken, tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()
