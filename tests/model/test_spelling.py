"""Tokens that are put together from known pieces are those that llama.cpp's tokenizer gives."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casava_os.model import spelling
from casava_os.model.llama import LlamaModel
from casava_os.model.spelling import Speller

TEXTS = (
    "delete the .tmp files older than a week",
    "naïve café 日本語 🎉 in ordner.txt",
    "a\nb\n\n c\td  e\r\n",
    "<|plan|> <|call:file.delete|>",
    "src/Über_uns-v2.10.tar.gz",
    "\u017fK\u212a",
    "",
    "x" * 300,
)


def test_the_tokens_are_the_engine_s(smol: LlamaModel) -> None:
    assert smol._speller.all(TEXTS) == [smol._engine.tokenize(text) for text in TEXTS]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_text_is(smol: LlamaModel, text: str) -> None:
    tokens = smol._speller.tokens(text)
    assert tokens == smol._engine.tokenize(text)
    assert smol._speller.text(tokens) == text


def test_a_vocabulary_that_merges_across_words_is_left_to_the_engine(smol: LlamaModel) -> None:
    other = [*smol._weights.tokens[:-1], "Ġthe"]
    asked: list[str] = []

    def tokenize(text: str) -> list[int]:
        asked.append(text)
        return [7]

    speller = Speller(other, len(smol._weights.controls), tokenize)
    assert speller.all(["delete the", "file"]) == [[7], [7]]
    assert asked == ["delete the", "file"]
    good = Speller(smol._weights.tokens, len(smol._weights.controls), smol._engine.tokenize)
    assert good.tokens("delete the") == smol._engine.tokenize("delete the")


def test_what_is_known_stays_known_to_the_text_that_fills_the_memory(
    smol: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    speller = Speller(smol._weights.tokens, len(smol._weights.controls), smol._engine.tokenize)
    monkeypatch.setattr(spelling, "KNOWN", 3)
    for text in ("delete the folder build", "delete the folder build soon", "delete it then"):
        assert speller.tokens(text) == smol._engine.tokenize(text)
