"""Makes, finds and undoes layers: the `LayerStore` of the kernel's ports, on disk.

`<state>/layers/<pid>/` holds `upper`, `work` (the overlay's), `scratch` (spilled values, piped input), `layer.json`
(workspace, time of creation), `first-seen.json` (how touched paths looked when they were first previewed) and, after a
part of it landed, `landed.json` (which paths of the upper are not this layer's any more).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter

from casava_os.kernel.ports import Changeset, Conflicts, Layer, LayerPaths
from casava_os.paths import private_dir
from casava_sandbox.layer.changeset import DigestCache, Scan, scan
from casava_sandbox.layer.clock import Instant
from casava_sandbox.layer.commit import Asked, Base, commit
from casava_sandbox.layer.conflicts import conflicts
from casava_sandbox.layer.diff import render_diff
from casava_sandbox.layer.files import failure, mount_of, node_of, open_file, remove_tree
from casava_sandbox.layer.intents import notes_dir, rolled_back_path
from casava_sandbox.layer.overlay import Upper
from casava_sandbox.layer.prune import Budget, due, prune
from casava_sandbox.layer.record import Seen, load_record, seen
from casava_sandbox.layer.recovery import Recovered, Unsettled, recover, unsettled
from casava_sandbox.layer.trash import empty
from casava_sandbox.layer.undo import redo, undo
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import fs_path, path_text
from casava_syscalls.results import Err, Ok, Result

T = TypeVar("T")

_NO_UPPER = (
    "overlay",
    "nfs",
    "cifs",
    "smb",
    "vfat",
    "exfat",
    "ntfs",
    "fuse",
    "9p",
    "virtiofs",
    "ecryptfs",
    "squashfs",
)
_CHOOSE = "Choose another workspace with --workspace DIR"
_MOVE_STATE = "Set CASAVA_HOME to a directory on a local filesystem (ext4, xfs, btrfs)"

_SEEN_TYPE = TypeAdapter(dict[str, Seen])
_TIMES_TYPE = TypeAdapter(dict[str, int])
_PIDS_TYPE = TypeAdapter(dict[str, int])


class LayerFile(BaseModel):
    """What `layer.json` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    workspace: str
    created_ns: int
    device: int
    inode: int
    running_ns: int = 0
    """When it was made, since the machine started: the clock that nobody can set."""
    start: str = ""
    """Which start that was."""


class DiskLayer:
    """A layer on disk."""

    def __init__(self, state: str, paths: LayerPaths, facts: LayerFile, budget: Budget) -> None:
        self._state = state
        self._budget = budget
        self._paths = paths
        self._facts = facts
        self._digests: DigestCache = {}
        self._unsupported: tuple[str, ...] = ()

    @property
    def paths(self) -> LayerPaths:
        return self._paths

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Why the changeset read last cannot be committed (FIFOs, sockets, mounts): a sentence each, or nothing."""
        return self._unsupported

    def changeset(self) -> Changeset:
        """Reads the upper directory. Raises `FileNotFoundError` when the workspace or the layer is gone."""
        with Upper(str(self._paths.upper)) as upper:
            found = scan(self._paths.pid, str(self._paths.workspace), upper, self._digests)
        if landed := self._landed():
            found = found.part(lambda path: path not in landed)
        self._unsupported = found.unsupported
        self._remember(found)
        return found.changeset

    def diff(self, changeset: Changeset, *, context: int = 3, max_bytes: int = 2**20) -> str:
        """A unified diff of text files and a line for every other change, safe to show on a terminal."""
        workspace = str(self._paths.workspace)
        with Upper(str(self._paths.upper)) as upper:
            return render_diff(
                changeset,
                lambda path: open_file(os.path.join(workspace, path)),
                upper.open,
                context=context,
                max_bytes=max_bytes,
            )

    def commit(self, changeset: Changeset, *, of: Changeset | None = None) -> Result[Changeset]:
        """Lands exactly this changeset; on `Err` nothing was applied. The layer stays until it is discarded."""
        asked = Asked(changeset, of)
        landed = commit(self._state, self._paths, self._base(), asked, self._digests, self._adopt)
        _tidy(self._state, self._budget)
        return landed

    def conflicts(self, shown: Changeset) -> Conflicts:
        """What stands in the way of landing `shown`: every file, by name."""
        return conflicts(self._paths, self._base(), shown, self._digests)

    def _base(self) -> Base:
        return Base(
            created=Instant(self._facts.created_ns, self._facts.running_ns, self._facts.start),
            root=(self._facts.device, self._facts.inode),
            first_seen=self._first_seen(),
            rolled_back=self._touched(),
            landed=self._landed(),
        )

    def _adopt(self, looks: Mapping[str, Seen]) -> None:
        """What we touched and left as it was is not taken for somebody else's work later."""
        times = {path: look.ctime_ns for path, look in looks.items()}
        _write(self._seen_path(), _SEEN_TYPE.dump_json({**self._first_seen(), **looks}))
        _write(
            rolled_back_path(self._state, self._paths.pid),
            _TIMES_TYPE.dump_json({**self._touched(), **times}),
        )

    def _touched(self) -> dict[str, int]:
        return _read(rolled_back_path(self._state, self._paths.pid), _TIMES_TYPE)

    def _landed(self) -> frozenset[str]:
        """What is in the upper directory and not this layer's any more."""
        return frozenset(_read(_landed_path(self._paths.upper.parent), _PIDS_TYPE))

    def discard(self) -> None:
        """Removes the layer's directories; what another owner left in them is set aside under `layers/.left-*`."""
        _removed(str(self._paths.upper.parent))

    def _first_seen(self) -> dict[str, Seen]:
        return _read(self._seen_path(), _SEEN_TYPE)

    def _seen_path(self) -> str:
        return str(self._paths.upper.parent / "first-seen.json")

    def _remember(self, found: Scan) -> None:
        known = self._first_seen()
        fresh = {path_text(e.path): seen(e.before) for e in found.entries if e.before is not None}
        if not fresh.keys() <= known.keys():
            _write(self._seen_path(), _SEEN_TYPE.dump_json({**fresh, **known}))


class DiskLayerStore:
    """Layers under one state directory. Making the store creates nothing."""

    def __init__(self, state_dir: Path, budget: Budget | None = None) -> None:
        self._state = os.path.abspath(state_dir)
        self._budget = budget or Budget()

    def create(self, pid: int, workspace: Path) -> Result[Layer]:
        """A fresh layer over `workspace`.

        `Err`: `usage` (missing, no directory, `/`, or one that contains the state directory), `permission` (unreadable),
        `unsupported` (the state directory's filesystem cannot hold a layer), `exists`, `disk-full`.
        """
        try:
            place = _usable(workspace, self._state)
            if isinstance(place, Err):
                return place
            folder = self._folder(pid)
            private_dir(Path(folder).parent)
            if (error := _holds_layers(os.path.dirname(folder))) is not None:
                return error
            try:
                os.mkdir(folder, 0o700)
            except FileExistsError:
                return Err(
                    code="exists", title="The layer exists", message=f"Process {pid} already has a layer"
                )
            try:
                return Ok(value=self._make(pid, place, folder))
            except OSError:
                remove_tree(folder)
                raise
        except OSError as error:
            return failure(error, "making the layer")

    def open(self, pid: int) -> Result[Layer]:
        """The held layer of a process; `Err("not-found")` when there is none or its workspace is gone."""
        folder = self._folder(pid)
        try:
            with open(os.path.join(folder, "layer.json"), "rb") as file:
                facts = LayerFile.model_validate_json(file.read())
        except FileNotFoundError:
            message = f"Process {pid} holds no layer"
            return Err(code="not-found", title="No such layer", message=message, hint="See `casava-os ps`")
        except OSError as error:
            return failure(error, "opening the layer")
        except ValueError:
            return Err(
                code="failed", title="Damaged layer", message=f"The layer of process {pid} cannot be read"
            )
        workspace = fs_path(facts.workspace)
        if not os.path.isdir(workspace):
            message = f"{visible(facts.workspace)} is no longer there"
            return Err(
                code="not-found",
                title="The workspace is gone",
                message=message,
                hint=f"put it back where it was, or: casava-os discard {pid}",
            )
        return Ok(value=DiskLayer(self._state, _paths(pid, Path(workspace), folder), facts, self._budget))

    def split(self, pid: int, rest: int, landed: Changeset) -> Result[Layer]:
        """Hands the layer of `pid` on to `rest`, without what landed: see the Protocol."""
        folder, target = self._folder(pid), self._folder(rest)
        try:
            gone = _landed_path(Path(folder))
            _write(
                gone,
                _PIDS_TYPE.dump_json({**_read(gone, _PIDS_TYPE), **{c.path: pid for c in landed.changes}}),
            )
            os.rename(folder, target)
            with open(os.path.join(target, "layer.json"), "rb") as file:
                facts = LayerFile.model_validate_json(file.read())
            renamed = facts.model_copy(update={"pid": rest})
            _write(os.path.join(target, "layer.json"), renamed.model_dump_json().encode())
        except OSError as error:
            return failure(error, "keeping what was left out")
        return self.open(rest)

    def held(self) -> tuple[int, ...]:
        """The processes that have a layer, or what is left of one, the lowest number first."""
        with suppress(FileNotFoundError, NotADirectoryError):
            return tuple(
                sorted(int(n) for n in os.listdir(os.path.join(self._state, "layers")) if n.isdecimal())
            )
        return ()

    def remove(self, pid: int) -> None:
        """Removes what there is of a process's layer, whole or not, whether its workspace is there or not.

        Half of one is left where an owner was killed while it made or removed it. What another owner left in it is set aside,
        as by `DiskLayer.discard`.
        """
        _removed(self._folder(pid))

    def undo(self, pid: int) -> Result[Changeset]:
        """Takes back the commit of a process. `Err`: `conflict`, `not-found`, `usage` (already undone), `permission`, `disk-full`."""
        turned = undo(self._state, pid)
        _tidy(self._state, self._budget)
        return turned

    def redo(self, pid: int) -> Result[Changeset]:
        """Lands again what was taken back. `Err` as for `undo`."""
        turned = redo(self._state, pid)
        _tidy(self._state, self._budget)
        return turned

    def recover(self) -> Recovered:
        """Ends commits, undos and redos that killed processes left unfinished. For every start."""
        return recover(self._state)

    def unsettled(self) -> list[Unsettled]:
        """What landed or was taken back by a process that may not have come to write that down."""
        return unsettled(self._state)

    def settled(self, pid: int) -> None:
        """It is written down now."""
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(notes_dir(self._state), f"{pid}.json"))

    def landed(self, pid: int) -> Changeset | None:
        """What a process has landed, when that is kept and was not taken back."""
        try:
            record = load_record(self._state, pid)
        except (OSError, ValueError):
            return None
        return None if record is None or record.undone else record.changeset

    def _folder(self, pid: int) -> str:
        return os.path.join(self._state, "layers", str(pid))

    def _make(self, pid: int, workspace: str, folder: str) -> Layer:
        paths = _paths(pid, Path(workspace), folder)
        for directory in (paths.upper, paths.work, paths.scratch):
            os.mkdir(directory, 0o700)
        status = os.stat(workspace)
        root = node_of(status)
        with suppress(PermissionError):  # the merged root is the upper directory: it must not look changed
            os.chown(paths.upper, root.uid, root.gid)
        os.chmod(paths.upper, root.mode)
        os.utime(paths.upper, ns=(root.mtime_ns, root.mtime_ns))
        created = Instant.now()
        facts = LayerFile(
            pid=pid,
            workspace=path_text(workspace),
            created_ns=created.wall_ns,
            running_ns=created.running_ns,
            start=created.start,
            device=status.st_dev,
            inode=status.st_ino,
        )
        _write(os.path.join(folder, "layer.json"), facts.model_dump_json().encode())
        return DiskLayer(self._state, paths, facts, self._budget)


def _tidy(state: str, budget: Budget) -> None:
    """Keeps the undo store within its budget. What stands in the way of that now does not later."""
    with suppress(OSError, ValueError):
        if due(state, budget):
            prune(state, budget)
        empty(state)


def _removed(folder: str) -> None:
    try:
        remove_tree(folder)
    except OSError:
        place, number = os.path.split(folder)
        with suppress(OSError):
            os.rename(folder, f"{place}/.left-{number}-{os.urandom(4).hex()}")


def _landed_path(folder: Path) -> str:
    """A list of the paths whose changes landed with another process, and with which."""
    return str(folder / "landed.json")


def _paths(pid: int, workspace: Path, folder: str) -> LayerPaths:
    at = Path(folder)
    return LayerPaths(
        pid=pid, workspace=workspace, upper=at / "upper", work=at / "work", scratch=at / "scratch"
    )


def _usable(workspace: Path, state: str) -> str | Err:
    """The workspace's real path, or why no layer can be taken of it."""
    shown = visible(path_text(str(workspace)))
    try:
        place = os.path.realpath(workspace, strict=True)
        if not os.path.isdir(place):
            return Err(code="usage", title="The workspace is not a directory", message=shown, hint=_CHOOSE)
        os.listdir(place)
        os.stat(os.path.join(place, "."))
    except PermissionError:
        message = f"{shown} cannot be read by this user"
        return Err(code="permission", title="The workspace cannot be read", message=message, hint=_CHOOSE)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Err(code="usage", title="No such workspace", message=f"{shown}: {reason}", hint=_CHOOSE)
    if place == "/":
        message = "The workspace would be the whole machine, system files and running state included"
        return Err(code="usage", title="/ cannot be a workspace", message=message, hint=_CHOOSE)
    real_state = os.path.realpath(state)
    if real_state == place or real_state.startswith(place + "/"):
        message = f"{shown} contains Casava's own state ({visible(path_text(state))}), and a layer cannot lie in what it covers"
        hint = f"{_CHOOSE}, or set CASAVA_HOME to a directory outside of it"
        return Err(
            code="usage", title="The workspace contains the state directory", message=message, hint=hint
        )
    if place.startswith(real_state + "/"):
        message = f"{shown} is inside Casava's own state directory"
        return Err(
            code="usage", title="The state directory cannot be a workspace", message=message, hint=_CHOOSE
        )
    return place


def _holds_layers(directory: str) -> Err | None:
    """Whether the filesystem can be the upper side of an overlay: a local one with user attributes."""
    title = "The state directory cannot hold a layer"
    _, kind = mount_of(directory)
    if kind.startswith(_NO_UPPER):
        message = (
            f"{visible(path_text(directory))} is on {kind}, which cannot be the upper side of an overlay"
        )
        return Err(code="unsupported", title=title, message=message, hint=_MOVE_STATE)
    try:
        with tempfile.TemporaryFile(dir=directory) as probe:  # nameless: another process may be probing, too
            os.setxattr(probe.fileno(), "user.casava-os.probe", b"1")
    except OSError as error:
        if error.errno != 95:  # ENOTSUP
            raise
        message = f"{visible(path_text(directory))} is on {kind}, which keeps no user attributes"
        return Err(code="unsupported", title=title, message=message, hint=_MOVE_STATE)
    return None


def _read(path: str, adapter: TypeAdapter[dict[str, T]]) -> dict[str, T]:
    with suppress(FileNotFoundError), open(path, "rb") as file:
        return adapter.validate_json(file.read())
    return {}


def _write(path: str, data: bytes) -> None:
    with open(
        os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb"
    ) as file:
        file.write(data)
    os.rename(path + ".new", path)
