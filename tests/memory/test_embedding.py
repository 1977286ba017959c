"""The embedding model that ships, any other GGUF, and models behind an endpoint."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from casava_os import model
from casava_os.boot import embedder_of
from casava_os.memory.embedding import GgufEmbedder, NoEmbedderError, builtin, plain
from casava_os.memory.endpoint import EndpointEmbedder
from casava_os.memory.ports import Embedder, Entry
from casava_os.memory.store import MemoryStore
from casava_os.settings import MemorySettings

LARGEST = 15 * 10**6
"""Bytes that the model may have as shipped."""

TEXTS = [
    "delete the old logs",
    "kernel version?",
    "",
    "make the folder pics/2024 and move all jpgs there " * 3,
]


@pytest.fixture(scope="module")
def shipped() -> Iterator[GgufEmbedder]:
    embedder = GgufEmbedder(builtin())
    yield embedder
    embedder.close()


def smol() -> Path:
    """The kernel model: another GGUF, though not made for this."""
    path = model.shipped_weights()
    assert path is not None
    return path


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_the_model_ships_with_its_card_and_is_small() -> None:
    assert 10**6 < builtin().stat().st_size <= LARGEST
    card = builtin().with_name("README.md").read_text(encoding="utf-8")
    assert builtin().stem in card
    for word in ("Licen", "MiniLM", "NL2Bash", "tldr", "recall@1"):
        assert word in card


def test_vectors_have_unit_length_and_stand_in_order(shipped: Embedder) -> None:
    together = shipped.embed(TEXTS)
    assert {len(vector) for vector in together} == {shipped.dimensions}
    assert all(math.isclose(cosine(vector, vector), 1.0, rel_tol=1e-5) for vector in together)
    for text, vector in zip(TEXTS, together, strict=True):
        assert cosine(shipped.embed([text])[0], vector) > 0.9999


def test_other_words_for_the_same_are_nearer_than_the_same_words_for_something_else(
    shipped: Embedder,
) -> None:
    asked, same, else_ = shipped.embed(
        ["get rid of report.pdf", "report.pdf can go, delete it", "how large is report.pdf?"]
    )
    assert cosine(asked, same) > cosine(asked, else_)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00", "🎉🎉", "שלום עולם", "مرحبا", "日本語のファイル", "\ud800", "a\u202eb", "x" * 100_000],
)
def test_any_text_has_a_vector(shipped: Embedder, text: str) -> None:
    (vector,) = shipped.embed([text])
    assert all(math.isfinite(value) for value in vector)
    assert math.isclose(cosine(vector, vector), 1.0, rel_tol=1e-5)


def test_of_a_very_long_text_the_beginning_is_read_and_more_than_its_first_words(shipped: Embedder) -> None:
    logs, mail = "delete the old log files in var. ", "send the letters to my aunt by mail. "
    huge, mixed, begun = shipped.embed([logs * 30_000, logs * 100 + mail * 100, logs * 100])
    assert cosine(huge, begun) > 0.999
    assert cosine(mixed, begun) < 0.99


def test_threads_that_ask_at_once_get_their_own_vectors(shipped: Embedder) -> None:
    texts = [f"show line {number} of notes{number}.txt" for number in range(24)]
    alone = shipped.embed(texts)
    with ThreadPoolExecutor(6) as pool:
        at_once = list(pool.map(lambda text: shipped.embed([text])[0], texts))
    assert all(cosine(one, other) > 0.9999 for one, other in zip(alone, at_once, strict=True))


def test_a_closed_model_is_loaded_again_when_a_text_comes() -> None:
    embedder = GgufEmbedder(builtin())
    before = embedder.embed(TEXTS)
    embedder.close()
    embedder.close()
    assert embedder.embed(TEXTS) == before
    embedder.close()


def test_any_gguf_will_do_and_has_a_digest_of_its_own(shipped: GgufEmbedder) -> None:
    other = GgufEmbedder(smol())
    try:
        vectors = other.embed(TEXTS)
        assert {len(vector) for vector in vectors} == {other.dimensions}
        assert all(math.isclose(cosine(vector, vector), 1.0, rel_tol=1e-4) for vector in vectors)
        assert other.digest != shipped.digest
    finally:
        other.close()


def test_another_model_embeds_everything_again_and_tells_how_far_it_is(tmp_path: Path) -> None:
    for path in (builtin(), smol()):
        store = MemoryStore(tmp_path / "memory", lambda path=path: GgufEmbedder(path))  # type: ignore[misc]
        store.put(Entry(f"e{number}", "episodes", f"show notes{number}.txt") for number in range(40))
        told: list[tuple[int, int]] = []
        assert store.index(lambda done, total, told=told: told.append((done, total)))  # type: ignore[misc]
        assert told[-1] == (40, 40)
        embedder = store.embedder()
        assert embedder is not None
        near = store.dense(embedder.embed(["show notes7.txt"])[0], limit=3)
        assert near[0].entry.id == "e7"
        assert math.isclose(near[0].score, 1.0, abs_tol=1e-3)
        store.close()


@pytest.mark.parametrize("content", [b"", b"text", b"GGUF", b"GGUF\x03\x00\x00\x00" + b"\x00" * 16])
def test_a_file_that_is_no_model_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.gguf"
    path.write_bytes(content)
    with pytest.raises(NoEmbedderError, match=r"some\.gguf"):
        GgufEmbedder(path).embed(["text"])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoEmbedderError) as raised:
        GgufEmbedder(tmp_path / "none.gguf")
    assert raised.value.err.code == "no-model"
    assert "memory.embedding" in str(raised.value.err.hint)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Delete  the\tLOGS\n", "delete the logs"),
        ("Café Ünïcode", "cafe unicode"),
        ("a\x00b\x7fc", "a b c"),
        ("zero\u200bwidth", "zerowidth"),
        ("日本 go→there", "日 本 go → there"),
        ("ﬁle ①", "file 1"),
        ("עִבְרִית", "עברית"),
    ],
)
def test_what_our_model_reads(text: str, read: str) -> None:
    assert plain(text) == read
    assert plain(read) == read


# ---------------------------------------------------------------------------------------------- settings, endpoints


def test_the_settings_name_the_model(shipped: GgufEmbedder) -> None:
    chosen = embedder_of(MemorySettings())
    assert isinstance(chosen, GgufEmbedder)
    assert chosen.digest == shipped.digest
    assert embedder_of(MemorySettings(embedding="none")) is None
    named = embedder_of(MemorySettings(embedding=str(smol())))
    assert isinstance(named, GgufEmbedder)
    assert named.path == smol()
    served = embedder_of(MemorySettings(embedding="http://127.0.0.1:9/v1#embed"))
    assert isinstance(served, EndpointEmbedder)
    served.close()


def served(
    *answers: httpx2.Response | Exception, asked: list[httpx2.Request] | None = None
) -> EndpointEmbedder:
    """An embedder whose server gives these answers, one a call."""
    left = list(answers)

    def answer(request: httpx2.Request) -> httpx2.Response:
        if asked is not None:
            asked.append(request)
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    return EndpointEmbedder(
        "http://host/v1/#tiny",
        lambda: "a-key",
        transport=httpx2.MockTransport(answer),
        sleep=lambda _: None,
    )


def vectors(*rows: list[float]) -> httpx2.Response:
    data = [{"index": number, "embedding": row} for number, row in enumerate(rows)]
    return httpx2.Response(200, json={"data": data[::-1]})


def test_an_endpoint_is_asked_with_the_key_and_its_vectors_are_put_in_order() -> None:
    asked: list[httpx2.Request] = []
    embedder = served(vectors([3.0, 4.0], [0.0, 2.0]), asked=asked)
    assert embedder.embed(["a", ""]) == [[0.6, 0.8], [0.0, 1.0]]
    assert embedder.dimensions == 2
    assert asked[0].headers["Authorization"] == "Bearer a-key"
    assert str(asked[0].url).endswith("/v1/embeddings")
    body = json.loads(asked[0].content)
    assert (body["model"], body["input"]) == ("tiny", ["a", " "])


def test_a_password_in_an_address_is_shown_to_nobody() -> None:
    embedder = EndpointEmbedder("https://user:pass@host/v1#tiny")
    assert embedder.name == "https://host/v1#tiny"
    embedder.close()


def test_an_endpoint_that_is_busy_is_asked_again() -> None:
    embedder = served(httpx2.Response(503), httpx2.ConnectError("refused"), vectors([1.0]))
    assert embedder.embed(["a"]) == [[1.0]]


@pytest.mark.parametrize(
    "answers",
    [
        (httpx2.Response(401),),
        (httpx2.Response(302, headers={"Location": "http://elsewhere"}),),
        (httpx2.ConnectError("a"), httpx2.ConnectError("b"), httpx2.ConnectError("c")),
        (httpx2.Response(200, text="<html>"),),
        (httpx2.Response(200, json={"data": []}),),
        (vectors([1.0], [2.0]),),
        (httpx2.Response(200, text='{"data":[{"index":0,"embedding":[NaN]}]}'),),
        (vectors([]),),
    ],
)
def test_an_endpoint_that_gives_no_vectors_is_an_error(
    answers: tuple[httpx2.Response | Exception, ...],
) -> None:
    with pytest.raises(NoEmbedderError, match=r"tiny|no number"):
        served(*answers).embed(["a"])
