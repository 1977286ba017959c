"""The image is built here, from this machine's own packages, and holds what a request needs."""

from __future__ import annotations

import asyncio
import io
import tarfile
from dataclasses import replace
from pathlib import Path

from casava_os.kernel.ports import LayerPaths, Limits
from casava_sandbox.docker.client import connect
from casava_sandbox.docker.driver import DockerSandbox
from casava_sandbox.docker.images import get_image, local_image
from casava_sandbox.image.build import build
from casava_sandbox.image.packages import files_of, installed_closure, write_archive
from casava_syscalls.results import Ok
from casava_syscalls.values import Exit


def test_the_archive_holds_the_closure_of_the_packages_once(tmp_path: Path) -> None:
    packages = installed_closure(["python3", "coreutils"])
    assert "libc6" in packages
    assert "python3-minimal" in packages
    stream = io.BytesIO()
    write_archive(stream, files_of(packages))
    stream.seek(0)
    with tarfile.open(fileobj=stream) as archive:
        members = archive.getmembers()
    names = [member.name for member in members]
    assert len(names) == len(set(names))
    assert {"usr/bin/python3", "usr/bin/ls", "workspace", "casava/scratch", "tmp"} <= set(names)
    assert not any(member.mode & 0o6000 for member in members)
    assert not any(name.startswith("usr/share/doc/") for name in names)


def test_without_an_image_one_is_built_and_then_used(tmp_path: Path) -> None:
    connected = connect()
    assert isinstance(connected, Ok)
    api = connected.value
    told: list[str] = []
    built = build(told.append, api)
    assert isinstance(built, Ok), str(built)
    assert told
    assert local_image(api, None) == built.value
    told.clear()
    assert get_image(api, None, told.append) == Ok(value=built.value)
    assert told == []
    api.close()
    asyncio.run(use_it(tmp_path))


async def use_it(place: Path) -> None:
    """A driver that has already chosen an image goes on when that is replaced by a new build."""
    layer = LayerPaths(1, *(place / name for name in ("workspace", "upper", "work", "scratch")))
    for directory in (layer.workspace, layer.upper, layer.work, layer.scratch):
        directory.mkdir()
    sandbox = DockerSandbox(place / "cache")
    assert await sandbox.check() is None
    assert sandbox._daemon is not None
    sandbox._daemon = replace(sandbox._daemon, image="sha256:" + "0" * 64)
    opened = await sandbox.open(layer, Limits())
    assert isinstance(opened, Ok), str(opened)
    script = "for p in python python3 sh awk sed grep find xargs tar gzip sort git make; do command -v $p >/dev/null || echo $p; done"
    missing = await opened.value.perform(1, {"call": "process.run", "command": script})
    assert isinstance(missing, Ok)
    assert isinstance(missing.value, Exit)
    assert missing.value.stdout == ""
    await opened.value.close()
    await sandbox.close()
