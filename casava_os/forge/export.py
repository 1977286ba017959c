"""Writes a trained network as a GGUF file that llama.cpp runs, proves that it is the same model, and takes it up again.

Matrices are stored as Q8_0, gains as 32-bit floats, the tokenizer with its merges inside. The file names the ABI's
control tokens by their digest and carries a digest of itself, so the engine can tell a file that fits from one that does
not before anything runs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from casava_os.forge import tokenizer as vocabularies
from casava_os.forge.weighing import fitted
from casava_os.kernel.compiler.tagged import CALLS, PLAN, Segment, control_names
from casava_os.model.gguf_file import DIGEST, DIGITS, PREFIX, control_digest, seal
from casava_os.model.weighing import FEATURES, Weighing

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter
    from numpy.typing import NDArray

    from casava_os.forge.net import Net

CONTEXT = 1024
"""Positions the engine is told the model can use."""

_TENSORS = {
    "attention_norm": "attn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
    "feed_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a checkpoint is."""

    step: int
    """Of this run, like `spent`."""
    tokens: int
    """Of this run and of those of the model that it took up."""
    spent: float
    """Seconds."""
    origin: str = ""
    """The model that it took up: its name and version."""
    origin_tokens: int = 0


def load_net(checkpoint: Path) -> tuple[Net, Progress]:
    """The network of a checkpoint, in 32-bit floats on the CPU, and how far it is."""
    import torch

    from casava_os.forge.net import Net, Shape

    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    net = Net(Shape.kept(state["shape"]))
    net.load_state_dict(state["net"])
    return net.float().eval(), Progress(**{key: state[key] for key in Progress.__slots__ if key in state})


def write(directory: Path, out: Path, version: str, slope: float, offset: float, basis: str) -> None:
    """Writes `out` from the checkpoint and tokenizer in `directory`.

    `slope` and `offset` make the least certain token's log-odds a calibrated confidence (`evaluate.calibrate`); `basis`
    says what they were fitted on.
    """
    import gguf

    net, progress = load_net(directory / "checkpoint.pt")
    vocabulary = vocabularies.load(directory / "tokenizer.json")
    shape = net.shape
    made = out.with_suffix(".new")
    writer = gguf.GGUFWriter(str(made), "llama")
    writer.add_name("casava-smol")
    writer.add_version(version)
    writer.add_license("apache-2.0")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(shape.theta)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("deepseek-coder")
    writer.add_token_list(vocabulary.tokens())
    controls = len(control_names())
    kinds = [gguf.TokenType.CONTROL] * controls + [gguf.TokenType.NORMAL] * (vocabulary.size - controls)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(merge) for merge in vocabulary.merges()])
    writer.add_eos_token_id(vocabulary.controls["end"])
    writer.add_add_bos_token(False)
    writer.add_string("casava.controls", control_digest(control_names()))
    writer.add_array("casava.calls", sorted(CALLS))
    writer.add_float32("casava.slope", slope)
    writer.add_float32("casava.offset", offset)
    writer.add_string("casava.basis", basis)
    writer.add_bool(PREFIX, shape.prefix)
    writer.add_uint64("casava.trained_tokens", progress.tokens)

    for name, tensor in _tensors(net):
        if name.endswith("norm.weight"):
            data, kind = tensor, gguf.GGMLQuantizationType.F32
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            data = gguf.quants.quantize(tensor, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
    if (weighing := fitted(directory)) is not None:
        _add_weighing(writer, weighing)
    writer.add_string(DIGEST, "0" * DIGITS)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    seal(made)
    made.replace(out)


def _add_weighing(writer: GGUFWriter, weighing: Weighing) -> None:
    """What plans are weighed by, in fields of its own."""
    writer.add_array("casava.weighing.features", list(FEATURES))
    writer.add_array("casava.weighing.choice", list(weighing.choice))
    writer.add_array("casava.weighing.certainty", list(weighing.certainty))
    writer.add_array("casava.weighing.consent", list(weighing.consent))
    reader = weighing.reader
    writer.add_array("casava.reader.labels", list(reader.labels))
    writer.add_array("casava.reader.tags", list(reader.tags))
    writer.add_string("casava.reader.lexicon", " ".join(reader.lexicon.words))
    for name, matrix in reader.encoder.matrices.items():
        at = f"casava.reader.{name}"
        writer.add_array(f"{at}.numbers", matrix.numbers)
        writer.add_array(f"{at}.scales", list(matrix.scales))
        if matrix.shifts:
            writer.add_array(f"{at}.shifts", list(matrix.shifts))


def take_up(path: Path, directory: Path) -> None:
    """Lays tokenizer and checkpoint of the exported model at `path` into `directory`, for training to go on from it.

    The weights come back as Q8_0 kept them, the optimisers begin anew, and the run's time begins at zero. A network that read its
    prompt forwards only reads it in both directions from now on, which it has to be taught. Raises `ValueError` for a file
    that is not ours.
    """
    import gguf
    import numpy as np
    import torch

    from casava_os.forge.net import Net, Shape
    from casava_os.model import gguf_file

    checked = gguf_file.read(path)
    if not checked.ok:
        raise ValueError(checked.message)
    reader = gguf.GGUFReader(path)

    def number(name: str) -> float:
        return float(str(np.float32(reader.fields[name].contents())))  # as it was written: 1e-05

    def texts(name: str) -> list[str]:
        return [str(text) for text in reader.fields[f"tokenizer.ggml.{name}"].contents()]

    merges = [tuple(merge.split(" ")) for merge in texts("merges")]
    vocabulary = vocabularies.of(texts("tokens"), cast("list[tuple[str, str]]", merges))
    vocabulary.save(directory / "tokenizer.json")
    net = Net(
        Shape(
            vocabulary=vocabulary.size,
            width=int(number("llama.embedding_length")),
            layers=int(number("llama.block_count")),
            heads=int(number("llama.attention.head_count")),
            hidden=int(number("llama.feed_forward_length")),
            theta=number("llama.rope.freq_base"),
            epsilon=number("llama.attention.layer_norm_rms_epsilon"),
        )
    )
    kept = {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
    for name, tensor in _tensors(net):
        tensor[...] = kept[name]
    state = {
        "net": net.state_dict(),
        "shape": net.shape.asdict(),
        "step": 0,
        "tokens": (taught := int(reader.fields["casava.trained_tokens"].contents())),
        "spent": 0.0,
        "origin": f"casava-smol {checked.value.version}",
        "origin_tokens": taught,
    }
    torch.save(state, directory / "checkpoint.pt")


def _tensors(net: Net) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Every tensor by llama.cpp's name."""
    state = net.state_dict()
    yield "token_embd.weight", state["embedding.weight"].numpy()
    for index in range(net.shape.layers):
        for ours, theirs in _TENSORS.items():
            yield f"blk.{index}.{theirs}.weight", state[f"layers.{index}.{ours}.weight"].numpy()
    yield "output_norm.weight", state["norm.weight"].numpy()


@dataclass(frozen=True, slots=True)
class Equality:
    """How close llama.cpp's model is to torch's, with the same quantised matrices."""

    prompts: int
    positions: int
    """Of tokens of plans: what the network thinks between the words of a request is never used."""
    largest_difference: float
    """Of two logits, anywhere."""
    mean_difference: float
    same_argmax: float
    """Share of positions with the same likeliest token."""
    strings: int
    tokenizer_mismatches: int


Worked = tuple[str, Sequence[Segment]]
"""A request with its plan in tagged form."""


def check(directory: Path, path: Path, examples: Sequence[Worked], strings: Sequence[str]) -> Equality:
    """Compares the logits of the tokens of plans, and tokens on strings."""
    import gguf
    import numpy as np
    import torch

    from casava_os.model.engine import Engine

    net, _ = load_net(directory / "checkpoint.pt")
    kind = gguf.GGMLQuantizationType.Q8_0
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim == 2:
                rounded = gguf.quants.dequantize(gguf.quants.quantize(parameter.numpy(), kind), kind)
                parameter.copy_(torch.from_numpy(rounded))
    vocabulary = vocabularies.load(directory / "tokenizer.json")
    engine = Engine(path, limit=CONTEXT, prompt_end=vocabulary.controls[PLAN] if net.shape.prefix else None)
    try:
        mismatches = sum(engine.tokenize(text) != vocabulary.text(text) for text in strings)
        largest = total = 0.0
        same = positions = 0
        for request, segments in examples:
            plan = vocabulary.plan(segments)
            ids = [*vocabulary.prompt(request, False), *plan][:-1]
            engine.forget()
            ours = engine.evaluate(ids, last=len(plan))
            with torch.no_grad():
                prompt = torch.tensor([len(ids) - len(plan) + 1])
                theirs = net(torch.tensor([ids]), prompt)[0].numpy()[-len(plan) :]
            difference = np.abs(ours - theirs)
            largest = max(largest, float(difference.max()))
            total += float(difference.mean()) * len(plan)
            same += int((ours.argmax(-1) == theirs.argmax(-1)).sum())
            positions += len(plan)
        return Equality(
            prompts=len(examples),
            positions=positions,
            largest_difference=largest,
            mean_difference=total / max(1, positions),
            same_argmax=same / max(1, positions),
            strings=len(strings),
            tokenizer_mismatches=mismatches,
        )
    finally:
        engine.close()
