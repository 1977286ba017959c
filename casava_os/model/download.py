"""Downloads a model's file: resumed where it broke off, and used only when every byte is the promised one.

The Hub client does the transfer. What it leaves is hashed here before it takes its final name: the catalogue's sha256, or
the Hub's record of the file where the catalogue has none. A file that differs is removed.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from casava_os.model.catalog import Entry, models_dir, path_of
from casava_os.paths import private_dir
from casava_syscalls.results import Err, ErrorCode, Ok, Result

if TYPE_CHECKING:
    from tqdm.std import tqdm

_SPARE = 512 * 2**20
"""Bytes that a download leaves free on the disk."""


class Bar(Protocol):
    """Is told how far a download is, in bytes."""

    def __call__(self, done: int, total: int | None) -> None: ...


def pull(
    name: str,
    entry: Entry,
    bar: Bar,
    *,
    endpoint: str | None = None,
    free: Callable[[Path], int] | None = None,
) -> Result[Path]:
    """The model's file, downloaded if it is not there. `endpoint`: the Hub's address, when not the usual one.

    `Err`: `usage` for a served model, `disk-full`, `no-model` when the Hub cannot be reached, has no such file, or gives
    other bytes than promised.
    """
    if entry.kind != "gguf":
        return Err(
            code="usage",
            title="There is nothing to download",
            message=f"{name} is served at {entry.url}",
            hint=f"casava-os model use {name}",
        )
    final = path_of(name)
    if final.exists():
        return Ok(value=final)
    place = private_dir(models_dir()) / ".partial"
    try:
        return _pulled(
            entry, final, place, bar, endpoint, free or (lambda path: shutil.disk_usage(path).free)
        )
    except OSError as problem:
        if problem.errno == 28:  # ENOSPC
            return _failed(
                "disk-full",
                "The disk is full",
                str(problem),
                "free some space, then pull again: it goes on where it stopped",
            )
        return _failed(
            "no-model",
            "The model cannot be downloaded",
            _short(problem),
            "is there a network? pull again, it goes on where it stopped",
        )


def _pulled(
    entry: Entry, final: Path, place: Path, bar: Bar, endpoint: str | None, free: Callable[[Path], int]
) -> Result[Path]:
    import httpx2
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    logging.getLogger("huggingface_hub").setLevel(
        logging.ERROR
    )  # it would tell of each try on standard error
    url = hf_hub_url(entry.repo, entry.file, revision=entry.revision, endpoint=endpoint)
    try:
        facts = get_hf_file_metadata(url, endpoint=endpoint)
        promised = entry.sha256 or (facts.etag if re.fullmatch("[0-9a-f]{64}", facts.etag or "") else "")
        if not promised:
            return _failed(
                "no-model", "The model cannot be verified", f"neither the catalogue nor the Hub says the sha256 of {entry.file}",
                "add `sha256` to the entry in models.toml",
            )  # fmt: skip
        wanted = (facts.size or 0) + _SPARE
        if (there := free(place.parent)) < wanted:
            return _failed(
                "disk-full", "There is not enough room for the model",
                f"it needs {wanted / 1e9:.1f} GB, and {there / 1e9:.1f} GB are free", "free some space, or choose a smaller model",
            )  # fmt: skip
        got = hf_hub_download(
            entry.repo,
            entry.file,
            revision=entry.revision,
            endpoint=endpoint,
            local_dir=place,
            tqdm_class=_told(bar),
        )
    except HfHubHTTPError as problem:
        return _failed(
            "no-model",
            "The Hub does not give the file",
            _short(problem),
            "check `repo` and `file` of the entry",
        )
    except httpx2.HTTPError as problem:
        return _failed(
            "no-model",
            "The model cannot be downloaded",
            _short(problem),
            "is there a network? pull again, it goes on where it stopped",
        )
    if (found := digest(Path(got))) != promised:
        Path(got).unlink()
        return _failed(
            "no-model", "The downloaded model is not the promised one",
            f"its sha256 is {found}, and {promised} was promised; it was removed", "pull again; if it happens again, do not use it",
        )  # fmt: skip
    Path(got).replace(final)
    shutil.rmtree(place, ignore_errors=True)
    return Ok(value=final)


def digest(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _short(problem: Exception) -> str:
    return " ".join(str(problem).split())[:300] or type(problem).__name__


def _failed(code: ErrorCode, title: str, message: str, hint: str) -> Err:
    return Err(code=code, title=title, message=message, hint=hint)


def _told(bar: Bar) -> type[tqdm[NoReturn]]:
    """A progress bar for the Hub client that draws nothing and tells `bar`."""
    from tqdm.std import tqdm

    class Told(tqdm):  # type: ignore[type-arg] # generic only in its stubs
        """Passes on what it is told."""

        def __init__(self, *args: object, **kwargs: object) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "file": _Nowhere(), "disable": False})  # type: ignore[call-overload]

        def update(self, n: float | None = 1) -> bool | None:
            super().update(n)
            bar(int(self.n), None if self.total is None else int(self.total))
            return None

    return Told


class _Nowhere(io.TextIOBase):
    """Takes what is written and forgets it."""

    def write(self, text: str) -> int:
        return len(text)
