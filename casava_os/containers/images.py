"""Images: what is here, what a registry has, and what a Dockerfile makes. Always used by ID once they are known.

By name, some of the daemon's paths would try to pull by themselves and hang for long where no registry answers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from casava_os.containers.daemon import explained
from casava_os.containers.desk import Desk
from casava_os.containers.known import span
from casava_syscalls.base import AnyCall
from casava_syscalls.container import ListImages, PullImage
from casava_syscalls.results import Err, Ok, Result
from casava_syscalls.values import Cell, Facts, Table

if TYPE_CHECKING:
    from docker import APIClient

FIRST_WORD = 10.0
"""Seconds without a word from the registry before a pull is given up."""
SILENCE = 60.0
"""The same, once it has said something."""
INTERRUPTED = Err(code="interrupted", title="Interrupted", message="the process was stopped")


def list_images(desk: Desk, call: AnyCall) -> Result[Table]:
    """`container.images`: one row a name; an image without any has the first digits of its ID."""
    assert isinstance(call, ListImages)
    wanted = (call.name_contains or "").lower()
    rows: list[tuple[Cell, ...]] = []
    now = desk.now().wall
    found = desk.api.images(filters={"dangling": True} if call.dangling else {})
    for one in sorted(found, key=lambda image: -int(image.get("Created") or 0)):
        ident = str(one["Id"]).removeprefix("sha256:")[:12]
        names = [name for name in one.get("RepoTags") or () if name != "<none>:<none>"]
        for name in names or [f"<none> {ident}"]:
            if wanted in name.lower():
                age = span(now - int(one.get("Created") or 0))
                rows.append((name, ident, int(one.get("Size") or 0), age))
    return Ok(value=Table(columns=("name", "id", "size", "age"), rows=tuple(rows)))


def local(api: APIClient, name: str) -> Mapping[str, object] | None:
    """What the daemon knows of an image that is here."""
    from docker.errors import ImageNotFound

    try:
        found: Mapping[str, object] = api.inspect_image(name)  # type: ignore[no-untyped-call]
    except ImageNotFound:
        return None
    return found


def here(desk: Desk, name: str) -> Result[Mapping[str, object]]:
    """An image by its name, fetched when it is not here."""
    found = local(desk.api, name)
    if found is not None:
        return Ok(value=found)
    pulled = fetch(desk, name)
    if isinstance(pulled, Err):
        return pulled
    found = local(desk.api, name)
    if found is None:
        return Err(
            code="not-found", title=f"There is no image {name!r}", message="the registry gave another one"
        )
    return Ok(value=found)


def pull(desk: Desk, call: AnyCall) -> Result[Facts]:
    """`container.pull`."""
    assert isinstance(call, PullImage)
    before = local(desk.api, call.image)
    pulled = fetch(desk, call.image)
    if isinstance(pulled, Err):
        return pulled
    found = local(desk.api, call.image) or {}
    same = before is not None and before.get("Id") == found.get("Id")
    return Ok(value=image_facts(call.image, found, "was up to date" if same else "fetched"))


def image_facts(name: str | None, found: Mapping[str, object], state: str) -> Facts:
    """What is told of an image that was fetched or built."""
    ident = str(found.get("Id", "")).removeprefix("sha256:")[:12]
    size = found.get("Size")
    return Facts(
        items={"image": name, "id": ident, "size": size if isinstance(size, int) else None, "state": state}
    )


def fetch(desk: Desk, name: str) -> Result[str]:
    """Pulls an image, telling how far it is; gives up soon when no registry answers."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    desk.errand.progress(f"Fetching {name}", None)
    api = desk.api
    patience, api.timeout = api.timeout, int(FIRST_WORD)
    share = Share()
    last = 0.0
    try:
        for line in api.pull(name, stream=True, decode=True):
            if not share.heard:
                desk.reins.patience(SILENCE)
            if "error" in line:
                return no_image(name, str(line["error"]))
            share.add(line)
            if time.monotonic() - last > 0.25:
                last = time.monotonic()
                desk.errand.progress(f"Fetching {name}{share.text()}", share.share)
    except (DockerException, RequestException, HTTPError, OSError) as problem:
        if desk.stopped:
            return INTERRUPTED
        err = explained(problem)
        if err.code == "unavailable":
            return err
        return no_image(name, err.message if err.code != "timeout" else "no registry answered")
    finally:
        api.timeout = patience
        desk.reins.patience(patience)
    return INTERRUPTED if desk.stopped else Ok(value=name)


def no_image(name: str, said: str) -> Err:
    """Why an image cannot be had, by what the daemon said of it."""
    said = " ".join(said.split())
    low = said.lower()
    absent = re.search(r"not found|manifest unknown|does not exist|access denied|unauthorized", low)
    unreached = re.search(
        r"no such host|connection refused|timeout|no route|unreachable|dial tcp|tls|eof|no registry|server misbehaving",
        low,
    )
    if "no space left" in low:
        hint = "make room: docker system df shows what takes it"
        return Err(code="disk-full", title=f"There is no room for {name}", message=said, hint=hint)
    if unreached:
        return Err(
            code="not-found",
            title=f"The image {name} is not on this machine, and no registry answers",
            message=said,
            hint="connect to a network and try again, or bring it with docker load",
        )
    hint = "look at the name and the tag; casava-os call container.images shows what is here"
    if absent:
        title = f"There is no image {name}, here or in its registry"
        return Err(code="not-found", title=title, message=said, hint=hint)
    return Err(code="failed", title=f"{name} cannot be fetched", message=said, hint=hint)


class Share:
    """How far a pull is, added up over the layers that it tells of."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self.heard = False

    def add(self, line: Mapping[str, object]) -> None:
        """Takes one line of the daemon's."""
        self.heard = True
        ident, detail = str(line.get("id", "")), line.get("progressDetail")
        status = str(line.get("status", ""))
        if isinstance(detail, dict) and detail.get("total") and status == "Downloading":
            self._layers[ident] = (int(detail.get("current") or 0), int(detail["total"]))
        elif status in ("Download complete", "Pull complete") and ident in self._layers:
            total = self._layers[ident][1]
            self._layers[ident] = (total, total)

    @property
    def share(self) -> float | None:
        """0 to 1; None as long as no size is known."""
        total = sum(size for _, size in self._layers.values())
        return min(1.0, sum(have for have, _ in self._layers.values()) / total) if total else None

    def text(self) -> str:
        """The same in words: `: 12 of 43 MB`."""
        total = sum(size for _, size in self._layers.values())
        have = sum(part for part, _ in self._layers.values())
        return f": {have / 1e6:.0f} of {total / 1e6:.0f} MB" if total else ""


def base_images(dockerfile: str) -> Iterable[str]:
    """Images that a Dockerfile begins from, as far as they are written out: no stages of its own, no arguments."""
    stages: set[str] = set()
    text = re.sub(r"\\\s*\n", " ", dockerfile)
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].upper() != "FROM":
            continue
        rest = [word for word in words[1:] if not word.startswith("--")]
        if not rest:
            continue
        image = rest[0]
        if image.lower() not in stages and image != "scratch" and "$" not in image:
            yield image
        if len(rest) >= 3 and rest[1].upper() == "AS":
            stages.add(rest[2].lower())
