"""Clears away what killed programs left: containers, volumes, control groups, mounts, temporary files, layers' remains.

Only what a trace of this installation names is touched, and only when the program that made it is gone; a container or
volume must carry the labels of exactly that maker and that state directory besides. With no traces it costs one look into
a directory. `left_behind` looks further for `casava-os doctor`: it asks the daemon for all that has this installation's label.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from casava_os.kernel.owners import alive
from casava_sandbox.bubblewrap.groups import named_groups
from casava_sandbox.layer.files import remove_tree
from casava_sandbox.links import clear_work
from casava_sandbox.traces import Trace, Traces
from casava_syscalls.names import fs_path
from casava_syscalls.results import Err

if TYPE_CHECKING:
    from docker import APIClient

_PATIENCE = 2.0  # seconds for killed programs to end


def tidy(home: str) -> list[str]:
    """Clears away what programs that are gone left behind, a line for each thing; for every start. Never raises `OSError`.

    What a daemon holds that does not answer stays written down for the next start.
    """
    traces, done = Traces(home), list[str]()
    left = [trace for trace in traces.all() if trace.left]
    for trace in left:
        done += _groups(trace) + _paths(home, trace)
    in_docker = [trace for trace in left if trace.container]
    gone = _containers(home, in_docker, done) if in_docker else set()
    for trace in left:
        if (not trace.container or trace.name in gone) and not (trace.group and named_groups(trace.group)):
            if trace.work:
                clear_work(Path(fs_path(trace.work)))
            traces.end(trace)
    return done + _set_aside(home)


def left_behind(home: str, *, by_label: bool = True) -> list[str]:
    """What programs that are gone left behind and `tidy` would take, a line for each thing; nothing is changed."""
    left = [trace for trace in Traces(home).all() if trace.left]
    lines = [f"control group {directory}" for t in left if t.group for directory in named_groups(t.group)]
    lines += [f"temporary {path}" for trace in left for path in trace.paths if Path(fs_path(path)).exists()]
    lines += [f"remains of a layer {path}" for path in _remains(home)]
    api = _daemon() if by_label or any(trace.container for trace in left) else None
    if api is not None:
        try:
            lines += [line for line, _, _ in _labelled(api, home)]
        finally:
            api.close()
    return lines


def sweep(home: str) -> list[str]:
    """`tidy`, and what has the label of this installation although no trace names it (after a power cut)."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    done = tidy(home)
    api = _daemon()
    if api is None:
        return done
    try:
        for line, kind, name in _labelled(api, home):
            with suppress(DockerException, RequestException):  # it is told by the next look
                _remove(api, kind, name)
                done.append(line)
    finally:
        api.close()
    return done


# ---------------------------------------------------------------------------------------------- parts


def _groups(trace: Trace) -> list[str]:
    """Ends what still runs in the trace's control groups, and removes them."""
    done = []
    for directory in named_groups(trace.group) if trace.group else ():
        with suppress(OSError):
            for member in (directory / "cgroup.procs").read_text(encoding="ascii").split():
                os.kill(int(member), signal.SIGKILL)
        give_up = time.monotonic() + _PATIENCE
        while directory.is_dir() and time.monotonic() < give_up:
            try:
                directory.rmdir()
            except OSError:  # what was killed takes a moment to end
                time.sleep(0.01)
            else:
                done.append(f"control group {directory}")
    return done


def _paths(home: str, trace: Trace) -> list[str]:
    """Removes temporary files of this user's that bear the trace's kind of name and lie where only such lie."""
    done = []
    for path in (Path(fs_path(text)) for text in trace.paths):
        ours = path.parent == Path(tempfile.gettempdir()) or path.is_relative_to(home)
        with suppress(OSError):
            status = path.lstat()
            if ours and status.st_uid == os.getuid() and path.name.startswith(("casava-", ".casava-")):
                shutil.rmtree(path) if stat.S_ISDIR(status.st_mode) else path.unlink()
                done.append(f"temporary {path}")
    return done


def _containers(home: str, traces: list[Trace], done: list[str]) -> set[str]:
    """Removes the containers of these traces; answers the names of the traces that are done with."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    from casava_sandbox.docker import container

    api = _daemon()
    if api is None:
        return set()
    settled: set[str] = set()
    try:
        for trace in traces:
            try:
                for line, kind, name in _labelled(api, home, trace):
                    _remove(api, kind, name)
                    done.append(line)
                work = Path(fs_path(trace.work)) if trace.work else None
                if work is not None and work.is_dir() and not clear_work(work):
                    container.clear_work_as_root(api, trace.image, work)
            except (DockerException, RequestException, OSError):
                continue
            settled.add(trace.name)
    finally:
        api.close()
    return settled


def _daemon() -> APIClient | None:
    from casava_sandbox.docker.client import connect

    connected = connect(timeout=10)
    return None if isinstance(connected, Err) else connected.value


def _labelled(api: APIClient, home: str, of: Trace | None = None) -> list[tuple[str, str, str]]:
    """Containers and volumes of this installation whose maker is gone (of one trace's maker): line, kind, name."""
    from casava_sandbox.docker.container import HOME_LABEL, HOST_LABEL

    labels = [f"{HOME_LABEL}={home if of is None else of.home}"]
    if of is not None:
        labels.append(f"{HOST_LABEL}={of.owner}")
    lines = []
    for one in api.containers(all=True, filters={"label": labels}):
        name = one["Names"][0].lstrip("/") if one.get("Names") else one["Id"]
        if _left(one.get("Labels") or {}) and (of is None or of.container == name):
            lines.append((f"container {name}", "container", str(one["Id"])))
    volumes = api.volumes(filters={"label": labels})["Volumes"] or []
    return lines + [
        (f"volume {v['Name']}", "volume", str(v["Name"])) for v in volumes if _left(v.get("Labels") or {})
    ]


def _left(labels: Mapping[str, str]) -> bool:
    """Whether they say that this user's program made it, and that program is gone."""
    from casava_sandbox.docker.container import BORN_LABEL, HOST_LABEL, OWNER_LABEL

    maker = labels.get(HOST_LABEL, "")
    ours = labels.get(OWNER_LABEL) == str(os.getuid())
    return ours and maker.isdigit() and not alive(int(maker), labels.get(BORN_LABEL, ""))


def _remove(api: APIClient, kind: str, name: str) -> None:
    from docker.errors import NotFound

    from casava_sandbox.docker import container

    if kind == "container":
        container.remove(api, name)
        return
    with suppress(NotFound):  # it went with its container
        api.remove_volume(name)


def _remains(home: str) -> list[str]:
    """Layers that could not be removed when they were discarded."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return [str(path) for path in Path(home, "layers").iterdir() if path.name.startswith(".left-")]
    return []


def _set_aside(home: str) -> list[str]:
    done = []
    for path in _remains(home):
        with suppress(OSError):
            remove_tree(path)
            done.append(f"remains of a layer {path}")
    return done
