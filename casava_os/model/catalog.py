"""The models that can be had by name: the one that ships, GGUF files of the Hugging Face Hub, served ones.

`config/models.toml` is shipped; `models.toml` in the person's configuration directory adds to it and wins. Downloaded files
lie in the data directory, one per name. Asking for the catalogue touches no network.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from casava_os.model.chat.endpoint import Address
from casava_os.paths import config_dir, data_dir
from casava_syscalls.results import Err, Ok, Result

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=80)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]


class Entry(BaseModel):
    """One model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["gguf", "endpoint"]
    summary: str = ""
    license: str = ""
    repo: Annotated[str, StringConstraints(pattern=r"^(\w[\w.-]*/\w[\w.-]*)?$")] = ""
    file: Annotated[str, StringConstraints(pattern=r"^(\w[\w.-]*(/\w[\w.-]*)*\.gguf)?$")] = ""
    revision: str = "main"
    sha256: Sha256 = ""
    """Empty: the Hub's own record of the file is what a download must agree with."""
    megabytes: Annotated[int, Field(ge=0)] = 0
    """About how large the download is, in 10^6 bytes."""
    url: Annotated[str, StringConstraints(pattern=r"^(https?://\S+)?$")] = ""
    model: str = ""
    key_env: str = ""
    key_ring: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "gguf" and not (self.repo and self.file):
            raise ValueError("a GGUF model has a `repo` and a `file`")
        if self.kind == "endpoint" and not (self.url and self.model):
            raise ValueError("a served model has a `url` and a `model`")
        return self

    def address(self) -> Address:
        """Where a served model is; the key is read when it is needed."""
        return Address(self.url, self.model, lambda: key(self.key_env, self.key_ring))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    models: dict[Name, Entry] = Field(default_factory=dict)


def key(variable: str, service: str) -> str | None:
    """A key from the environment, else from the system's keyring; None when there is none."""
    if variable and (found := os.environ.get(variable)):
        return found
    if service:
        import keyring
        from keyring.errors import KeyringError

        with suppress(KeyringError):  # a machine without one: the server will say that a key is missing
            return keyring.get_password(service, "casava-os")
    return None


def load() -> Result[Mapping[str, Entry]]:
    """Every model by name. `Err("usage")` names the file and what is wrong in it."""
    shipped = resources.files("casava_config").joinpath("models.toml").read_text(encoding="utf-8")
    found = dict(_File.model_validate(tomllib.loads(shipped)).models)
    own = config_dir() / "models.toml"
    try:
        if own.exists():
            found |= _File.model_validate(tomllib.loads(own.read_text(encoding="utf-8"))).models
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        return _wrong(own, str(problem))
    except ValidationError as problem:
        first = problem.errors()[0]
        return _wrong(own, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
    return Ok(value=found)


def _wrong(path: Path, what: str) -> Err:
    return Err(
        code="usage",
        title="The catalogue of models is wrong",
        message=f"{path}: {what}",
        hint="mend or remove the file; `casava-os model list` shows what it makes",
    )


def models_dir() -> Path:
    """Where downloaded models lie."""
    return data_dir() / "models"


def path_of(name: str) -> Path:
    """Where the file of a model lies once it is downloaded."""
    return models_dir() / f"{name.replace(':', '_')}.gguf"


def unknown(name: str, known: Mapping[str, Entry]) -> Err:
    """The error for a name that is not there, with those that are."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return Err(
        code="no-model",
        title="There is no such model",
        message=f"{name!r} is not in the catalogue",
        hint=f"{meant}`casava-os model list` shows all of them; casava-smol is always there",
    )
