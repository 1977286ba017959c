"""The proofs see what they are there to see."""

from __future__ import annotations

from casava_os.forge import prove
from casava_os.kernel.ports import CompileRequest
from casava_os.model import load
from casava_os.model.llama import LlamaModel
from casava_syscalls.registry import available
from casava_syscalls.results import Ok


def test_a_word_that_nobody_said_is_a_stray() -> None:
    request = CompileRequest("delete a.txt in docs", available(), names=("b.txt",))
    assert list(prove.strays("<call:file.delete> <key:paths> a.txt <in> docs <end>", request)) == []
    assert list(prove.strays("<call:file.delete> <key:paths> b.txt <end>", request)) == []
    assert list(prove.strays("<call:file.delete> <key:paths> c.txt <end>", request)) == ['"c.txt"']


def test_the_shipped_model_is_tried_on_both() -> None:
    loaded = load()
    assert isinstance(loaded, Ok)
    model = loaded.value
    assert isinstance(model, LlamaModel)
    try:
        hot, calm = prove.sampled(model, 150), prove.benign(model, 60)
    finally:
        model.close()
    assert (hot.tried, calm.tried) == (150, 60)
    assert hot.failed.keys() <= set()
    assert hot.silent < 30
    assert calm.harmless > 40, "most of them need no plan to be seen"
    assert calm.row().startswith(f"60 tried, {calm.harmless} heard as harmless, ")


def test_a_program_that_only_prints_destroys_nothing() -> None:
    assert prove._only_reads("<call:idiom.tree> <key:root> docs <end>")
    assert not prove._only_reads("<call:idiom.flatten> <key:root> docs <end>")
    assert not prove._only_reads("<call:file.find> <call:file.delete> <key:paths> <$1> <end>")
