"""Records on disk: one directory a stack, one lock a stack, written and synced before anything is made.

`<state>/stacks/NAME/record.json`, `…/secrets/` (what was made up here, 0600), `…/files/` (the contents that containers mount,
in a directory that is closed to others), and `<state>/stacks/.locks/NAME`, which stays.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import hmac
import os
import secrets as random
import shutil
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from casava_os.infra.graph import Node
from casava_os.infra.record import Record
from casava_os.infra.spec import StackSpec
from casava_os.paths import private_dir
from casava_syscalls.results import Err, Ok, Result

FOLDER, LOCKS, KEY = "stacks", ".locks", ".key"
_MOST_CONTENT = 2**20
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Store:
    """The records of one installation."""

    state: Path

    @property
    def folder(self) -> Path:
        return self.state / FOLDER

    def place(self, stack: str) -> Path:
        return self.folder / stack

    # ------------------------------------------------------------------------------------ locks

    @contextmanager
    def locked(self, stack: str) -> Iterator[Result[None]]:
        """Holds the stack for a block. `Err("conflict")` at once when another program has it; a killed one has nothing."""
        try:
            private_dir(self.folder / LOCKS)
            lock = os.open(self.folder / LOCKS / stack, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            yield unwritable(problem)
            return
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield _busy(stack, os.pread(lock, 20, 0).decode("ascii", "replace").strip())
                return
            with suppress(OSError):
                os.ftruncate(lock, 0)
                os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            yield Ok(value=None)
        finally:
            os.close(lock)

    # ------------------------------------------------------------------------------------ records

    def names(self) -> list[str]:
        """Stacks of which there is a directory."""
        with suppress(OSError):
            return sorted(p.name for p in self.folder.iterdir() if not p.name.startswith("."))
        return []

    def read(self, stack: str) -> Record | str | None:
        """The record; a sentence on why it cannot be believed; None when there is none."""
        try:
            found = Record.read((self.place(stack) / "record.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            return problem.strerror or str(problem)
        if isinstance(found, Record) and found.stack != stack:
            return "it is that of another stack"
        return found

    def write(self, record: Record) -> Err | None:
        """Writes a record and waits until it is on the disk; why it could not be, or None."""
        try:
            place = private_dir(self.place(record.stack))
            _synced(place / "record.json", record.written())
            for folder in (place, self.folder):
                _sync(folder)
        except OSError as problem:
            return unwritable(problem)
        return None

    def set_aside(self, stack: str) -> str:
        """Moves a record that cannot be believed out of the way; where to."""
        path = self.place(stack) / "record.json"
        number = 1
        while (target := path.with_name(f"record.json.set-aside-{number}")).exists():
            number += 1
        path.rename(target)
        return str(target)

    def forget(self, stack: str) -> None:
        """Removes all that is kept of a stack, secrets too."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.place(stack))
            _sync(self.folder)

    # ------------------------------------------------------------------------------------ contents

    def contents(self, stack: str, spec: StackSpec, workspace: Path) -> Result[dict[Node, bytes]]:
        """What secrets and configs hold. A secret to be made up that is not there yet is `b""` until `make_up`."""
        found: dict[Node, bytes] = {}
        for name, secret in spec.secrets.items():
            node = Node("secret", name)
            if secret.file is not None:
                read = _workspace_file(workspace, secret.file, f"secrets.{name}")
                if isinstance(read, Err):
                    return read
                found[node] = read.value
            else:
                with suppress(FileNotFoundError):
                    found[node] = (self.place(stack) / "secrets" / name).read_bytes()
                found.setdefault(node, b"")
        for name, config in spec.configs.items():
            if config.content is not None:
                found[Node("config", name)] = config.content.encode()
            elif config.file is not None:
                read = _workspace_file(workspace, config.file, f"configs.{name}")
                if isinstance(read, Err):
                    return read
                found[Node("config", name)] = read.value
        return Ok(value=found)

    def digests(self, stack: str, contents: Mapping[Node, bytes]) -> dict[Node, str]:
        """Digests under a key of this installation: nobody guesses a short secret from its label.

        One that is still to be made up has the digest of its name, before and after.
        """
        key = self._key()
        found: dict[Node, str] = {}
        for node, content in contents.items():
            made_up = node.kind == "secret" and (
                not content or (self.place(stack) / "secrets" / node.name).exists()
            )
            text = f"{stack}/{node}".encode() if made_up else content
            found[node] = hmac.new(key, node.kind.encode() + b"\0" + text, hashlib.sha256).hexdigest()[:16]
        return found

    def paths(self, stack: str, digests: Mapping[Node, str]) -> dict[Node, Path]:
        """Where the contents of these digests lie, without their modes."""
        return {node: self.place(stack) / "files" / digest for node, digest in digests.items()}

    def make_up(self, stack: str, spec: StackSpec, contents: dict[Node, bytes]) -> Err | None:
        """Makes up the secrets that are not there yet, once and for all."""
        try:
            for name, secret in spec.secrets.items():
                if secret.x_casava is not None and not contents[Node("secret", name)]:
                    folder = private_dir(self.place(stack) / "secrets")
                    text = "".join(random.choice(_ALPHABET) for _ in range(secret.x_casava.generate))
                    _synced(folder / name, text.encode())
                    contents[Node("secret", name)] = text.encode()
        except OSError as problem:
            return unwritable(problem)
        return None

    def lay_out(self, copies: Mapping[Path, tuple[bytes, int]]) -> Err | None:
        """Writes what containers will mount, each with its mode."""
        try:
            for path, (content, mode) in copies.items():
                private_dir(path.parent)
                if not path.exists():
                    _synced(path, content, mode)
        except OSError as problem:
            return unwritable(problem)
        return None

    def sweep_files(self, stack: str, kept: Mapping[Node, str]) -> None:
        """Removes contents that nothing mounts any more."""
        with suppress(OSError):
            for path in (self.place(stack) / "files").iterdir():
                if path.name.partition("-")[0] not in kept.values():
                    path.unlink()

    def _key(self) -> bytes:
        path = self.folder / KEY
        with suppress(FileNotFoundError):
            return path.read_bytes()
        private_dir(self.folder)
        fresh = random.token_bytes(32)
        temporary = path.with_name(f"{KEY}.{os.getpid()}")
        _synced(temporary, fresh)
        with suppress(FileExistsError):
            os.link(temporary, path)
        temporary.unlink()
        return path.read_bytes()


# ---------------------------------------------------------------------------------------------- parts


def unwritable(problem: OSError) -> Err:
    """Why the state directory takes nothing."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return Err(
            code="disk-full",
            title="The disk of the state directory is full",
            message=f"{problem.filename or 'the record'} could not be written; nothing was begun",
            hint="make room, then try again",
        )
    message = f"{problem.filename or 'the state directory'}: {problem.strerror or problem}"
    return Err(code="permission", title="The state directory takes no record", message=message)


def _busy(stack: str, who: str) -> Err:
    return Err(
        code="conflict",
        title=f"The stack {stack} is being changed",
        message=f"another casava-os is at it{f' (program {who})' if who.isdecimal() else ''}",
        hint="wait until it has ended, or end it: casava-os ps",
    )


def _workspace_file(workspace: Path, name: str, place: str) -> Result[bytes]:
    """The contents of a file of the workspace."""
    root = workspace.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or name.startswith("~"):
        return Err(
            code="outside-workspace",
            title="A file lies outside of the workspace",
            message=f"{place}: {name} is {path}, and the workspace is {root}",
        )
    try:
        if not path.is_file():
            return Err(code="not-found", title="A file is missing", message=f"{place}: {path} is no file")
        if path.stat().st_size > _MOST_CONTENT:
            return Err(
                code="limit", title="A file is too large", message=f"{place}: {path} has more than 1 MiB"
            )
        return Ok(value=path.read_bytes())
    except OSError as problem:
        return Err(code="permission", title="A file cannot be read", message=f"{place}: {problem}")


def _synced(path: Path, data: bytes, mode: int = 0o600) -> None:
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
