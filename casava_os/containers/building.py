"""`container.build`: an image from a directory of the workspace, as the layer shows it.

The agent packs the directory; here `.dockerignore` is applied, images that it begins from are fetched with their progress, and
the daemon's words are passed on as they come.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
import tempfile
from collections import deque
from contextlib import suppress
from typing import IO, Any

from casava_os.containers import images, labels
from casava_os.containers.cargo import opened
from casava_os.containers.daemon import explained, sentence
from casava_os.containers.desk import Desk
from casava_syscalls.base import AnyCall
from casava_syscalls.container import BuildImage
from casava_syscalls.names import fs_path
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Facts

_LAST_LINES = 15
_DAEMON = re.compile(r"Step \d+/\d+ : | ---> |Removing intermediate |Successfully (built|tagged) ")
"""What the daemon says of its own work; that is told as progress. All else is what the Dockerfile's commands print."""
_DOCKERFILE_BYTES = 2**20


def build(desk: Desk, call: AnyCall) -> Result[Facts]:
    """`container.build`."""
    assert isinstance(call, BuildImage)
    cargo = opened(desk.errand.cargo)
    if isinstance(cargo, Err):
        return cargo
    with cargo.value as packed, tempfile.TemporaryFile() as context:
        try:
            names = _ignored(packed, context)
            dockerfile = _dockerfile(call, names)
            if isinstance(dockerfile, Err):
                return dockerfile
            text = _read(packed, dockerfile.value)
        except (tarfile.TarError, UnicodeError) as problem:
            return Err(code="failed", title="The files cannot be packed", message=str(problem))
        for image in dict.fromkeys(images.base_images(text)):
            base = images.here(desk, image)
            if isinstance(base, Err):
                return base
        context.seek(0)
        return _built(desk, call, context, dockerfile.value)


def _dockerfile(call: BuildImage, names: set[str]) -> Result[str]:
    """Where the Dockerfile lies in the context."""
    if call.dockerfile is None:
        wanted = "Dockerfile"
    else:
        wanted = posixpath.relpath(call.dockerfile, call.context)
        if wanted not in names and call.dockerfile in names:
            wanted = call.dockerfile
    if wanted.startswith("../"):
        message = f"{call.dockerfile} does not lie in {call.context}"
        hint = "name a context that holds it"
        return Err(
            code="unsupported", title="The Dockerfile is outside the context", message=message, hint=hint
        )
    if wanted not in names:
        where = "this folder" if call.context == "." else call.context
        near = sorted(name for name in names if "dockerfile" in name.lower())[:1]
        hint = f"did you mean {near[0]}?" if near else "write one, or name the folder that holds it"
        return Err(
            code="not-found", title=f"There is no {wanted} in {where}", message="nothing was built", hint=hint
        )
    return Ok(value=wanted)


def _ignored(packed: IO[bytes], context: IO[bytes]) -> set[str]:
    """Writes the context without what `.dockerignore` names; the names of what is left."""
    from docker.utils.build import PatternMatcher

    patterns: list[str] = []
    with suppress(KeyError):
        text = _read(packed, ".dockerignore")
        lines = (line.strip() for line in text.splitlines())
        patterns = [line for line in lines if line and not line.startswith("#")]
    matcher: Any = (
        PatternMatcher([*patterns, "!.dockerignore"]) if patterns else None
    )  # its types want what it cannot take
    names: set[str] = set()
    packed.seek(0)
    with (
        tarfile.open(fileobj=packed, mode="r|", errors="surrogateescape") as source,
        tarfile.open(fileobj=context, mode="w|", errors="surrogateescape") as target,
    ):
        for info in source:
            is_needed = re.fullmatch(r"(.*/)?[^/]*[Dd]ockerfile[^/]*", info.name)
            if matcher is not None and matcher.matches(info.name) and not is_needed:
                continue
            names.add(info.name)
            target.addfile(info, source.extractfile(info) if info.isreg() else None)
    return names


def _read(packed: IO[bytes], name: str) -> str:
    """A small text file of the context. Raises `KeyError` when it is not there."""
    packed.seek(0)
    with tarfile.open(fileobj=packed, mode="r:", errors="surrogateescape") as source:
        found = source.extractfile(fs_path(name))
        if found is None:
            raise KeyError(name)
        return found.read(_DOCKERFILE_BYTES).decode("utf-8", "replace")


def _built(desk: Desk, call: BuildImage, context: IO[bytes], dockerfile: str) -> Result[Facts]:
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    desk.errand.progress("Building", None)
    desk.api.timeout = int(desk.seconds) + 60
    last: deque[str] = deque(maxlen=_LAST_LINES)
    ident = ""
    try:
        lines = desk.api.build(
            fileobj=context,
            custom_context=True,
            dockerfile=dockerfile,
            tag=call.tag,
            rm=True,
            forcerm=True,
            decode=True,
            labels=labels.image_labels(desk.errand.request),
        )
        for line in lines:
            if "error" in line:
                return _failed(str(line["error"]), last)
            if isinstance(line.get("aux"), dict):
                ident = str(line["aux"].get("ID", "")) or ident
            text = str(line.get("stream", ""))
            if not text:
                continue
            last.extend(part for part in text.splitlines() if part.strip())
            if not _DAEMON.match(text) and text.strip():
                desk.errand.output("stderr", text.encode("utf-8", "replace"))
            if step := re.match(r"Step (\d+)/(\d+) : (.*)", text):
                share = (int(step[1]) - 1) / int(step[2])
                desk.errand.progress(f"Step {step[1]} of {step[2]}: {step[3][:60]}", share)
    except APIError as problem:
        return _failed(sentence(problem), last)
    except (DockerException, RequestException, HTTPError, OSError) as problem:
        return images.INTERRUPTED if desk.stopped else explained(problem)
    if desk.stopped:
        return images.INTERRUPTED
    found = images.local(desk.api, ident or call.tag or "")
    if found is None:
        return _failed("the daemon gave no image", last)
    name = call.tag or str(found.get("Id", "")).removeprefix("sha256:")[:12]
    desk.errand.note(
        f"Not undoable: the image {name} is on this machine now (docker image rm {name} takes it back)."
    )
    return Ok(value=images.image_facts(call.tag, found, "built"))


def _failed(said: str, last: deque[str]) -> Err:
    said = " ".join(said.split())
    words = "\n".join(last)
    if "no space left" in said.lower():
        hint = "make room: docker system df shows what takes it"
        return Err(code="disk-full", title="There is no room to build", message=said, hint=hint)
    message = f"{said}\n{words}" if words else said
    return Err(
        code="failed", title="The image could not be built", message=message, hint="mend the Dockerfile"
    )
