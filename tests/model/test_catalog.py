"""The catalogue of models and their download, from a Hub on this machine: verified, resumed, refused."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from casava_os.model import catalog
from casava_os.model.catalog import Entry
from casava_os.model.download import pull
from casava_os.paths import config_dir, private_dir
from casava_syscalls.results import Err, Ok
from tests.model.hub import Hub, hub

DATA = random.Random(1).randbytes(24_000_000)  # the client keeps a download in pieces of 10 MB
ENTRY = Entry(kind="gguf", repo="us/tiny", file="tiny.gguf")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    return tmp_path / "home"


@pytest.fixture
def there(home: Path) -> Iterator[Hub]:
    with hub() as made:
        made.files["us/tiny/tiny.gguf"] = DATA
        yield made


class Bar:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int | None]] = []

    def __call__(self, done: int, total: int | None) -> None:
        self.told.append((done, total))


def test_a_model_is_pulled_once_and_told_of(there: Hub) -> None:
    bar = Bar()
    pulled = pull("tiny", ENTRY, bar, endpoint=there.url)
    assert isinstance(pulled, Ok), pulled
    assert pulled.value == catalog.path_of("tiny")
    assert pulled.value.read_bytes() == DATA
    assert bar.told[-1] == (len(DATA), len(DATA))
    assert not list(catalog.models_dir().glob(".partial"))
    again = pull("tiny", ENTRY, bar, endpoint="http://127.0.0.1:9")
    assert isinstance(again, Ok)
    assert len(there.ranges) == 1


def test_a_broken_download_goes_on_where_it_stopped(there: Hub) -> None:
    there.breaks_after = 15_000_000
    pulled = pull("tiny", ENTRY, Bar(), endpoint=there.url)
    if isinstance(pulled, Err):  # the client gave up; the person pulls again
        pulled = pull("tiny", ENTRY, Bar(), endpoint=there.url)
    assert isinstance(pulled, Ok), pulled
    assert pulled.value.read_bytes() == DATA
    assert any(asked.startswith("bytes=") and asked != "bytes=0-" for asked in there.ranges)


def test_other_bytes_than_promised_are_refused_and_removed(there: Hub) -> None:
    there.lies = DATA[:-1] + bytes([DATA[-1] ^ 1])
    pulled = pull("tiny", ENTRY, Bar(), endpoint=there.url)
    assert isinstance(pulled, Err)
    assert "not the promised one" in pulled.title
    assert not catalog.path_of("tiny").exists()
    assert not [path for path in catalog.models_dir().rglob("*.gguf") if path.is_file()]


def test_the_catalogues_sha256_wins_over_the_hubs(there: Hub) -> None:
    wanted = hashlib.sha256(b"another file").hexdigest()
    pulled = pull("tiny", ENTRY.model_copy(update={"sha256": wanted}), Bar(), endpoint=there.url)
    assert isinstance(pulled, Err)
    assert wanted in pulled.message


def test_a_file_that_nobody_vouches_for_is_not_downloaded(there: Hub) -> None:
    there.nameless = True
    pulled = pull("tiny", ENTRY, Bar(), endpoint=there.url)
    assert isinstance(pulled, Err)
    assert "cannot be verified" in pulled.title
    assert there.ranges == []
    vouched = ENTRY.model_copy(update={"sha256": hashlib.sha256(DATA).hexdigest()})
    assert isinstance(pull("tiny", vouched, Bar(), endpoint=there.url), Ok)


def test_what_the_disk_cannot_hold_is_not_begun(there: Hub) -> None:
    pulled = pull("tiny", ENTRY, Bar(), endpoint=there.url, free=lambda path: 10**6)
    assert isinstance(pulled, Err)
    assert pulled.code == "disk-full"
    assert there.ranges == []


def test_a_missing_file_a_dead_hub_and_a_served_model_say_what_to_do(there: Hub) -> None:
    missing = pull("tiny", ENTRY.model_copy(update={"file": "other.gguf"}), Bar(), endpoint=there.url)
    dead = pull("tiny", ENTRY, Bar(), endpoint="http://127.0.0.1:9")
    served = pull("s", Entry(kind="endpoint", url="http://x/v1", model="m"), Bar())
    for failed, code in ((missing, "no-model"), (dead, "no-model"), (served, "usage")):
        assert isinstance(failed, Err)
        assert failed.code == code
        assert failed.hint


def test_the_shipped_catalogue_loads_and_the_persons_wins(home: Path) -> None:
    shipped = catalog.load()
    assert isinstance(shipped, Ok)
    assert shipped.value["ollama"].model == "qwen2.5:7b"
    private_dir(config_dir())
    (config_dir() / "models.toml").write_text(
        '[models.ollama]\nkind = "endpoint"\nurl = "http://gpu-box:11434/v1"\nmodel = "big"\nkey_env = "BOX_KEY"\n'
    )
    own = catalog.load()
    assert isinstance(own, Ok)
    assert own.value["ollama"].model == "big"
    assert own.value.keys() == shipped.value.keys()


@pytest.mark.parametrize(
    "text",
    ["[models", "[models.x]\nkind = 'gguf'\n", "[models.x]\nkind = 'endpoint'\nurl = 'ftp://x'\nmodel='m'\n",
     "[models.x]\nkind = 'gguf'\nrepo = 'a/b'\nfile = '../../etc/passwd.gguf'\n", "[models.'../x']\nkind='gguf'\nrepo='a/b'\nfile='x.gguf'\n", "color = 1\n"],
)  # fmt: skip
def test_a_wrong_catalogue_names_its_file(text: str, home: Path) -> None:
    private_dir(config_dir())
    (config_dir() / "models.toml").write_text(text)
    loaded = catalog.load()
    assert isinstance(loaded, Err)
    assert str(config_dir() / "models.toml") in loaded.message


def test_a_key_comes_from_the_environment_when_it_is_asked_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = Entry(kind="endpoint", url="http://x/v1", model="m", key_env="BOX_KEY")
    address = entry.address()
    assert address.key() is None
    monkeypatch.setenv("BOX_KEY", "secret-1")
    assert address.key() == "secret-1"
    assert "secret-1" not in repr(entry) + repr(address)


def test_a_machine_without_a_keyring_has_no_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    assert catalog.key("", "some-service") is None
