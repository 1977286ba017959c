"""One configuration in a private folder of its own: initialised, planned, applied, and thrown away.

The folder lies under the kernel's state and never in the workspace. Terraform's state lies with the record of the stack, so
that it goes with it; two plans of one stack never meet, for each has its own folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from casava_os.infra.terraform import program, state
from casava_os.infra.terraform.emission import Block
from casava_os.infra.terraform.marks import literal
from casava_os.infra.terraform.problems import failed, not_initialised
from casava_os.infra.terraform.program import Line, Program, Ran
from casava_os.paths import cache_dir, private_dir
from casava_syscalls.results import Err, Ok, Result

FOLDER = "terraform"
_PLAN = "stack.tfplan"
SECONDS = 1800.0
"""How long anything may take when nobody says."""

Hear = Callable[[Line], None]


def _never() -> bool:
    return False


@dataclass(slots=True)
class Work:
    """A configuration that is initialised."""

    program: Program
    folder: Path
    place: Path
    """The folder of the state."""
    config: Block
    until: float
    cancelled: Callable[[], bool] = _never
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Values of the variables; in the environment of Terraform alone."""
    lock: int = -1

    def plan(self, *options: str) -> Result[Line]:
        """Plans, and keeps the plan for `apply`; as Terraform shows it in JSON.

        Without a lock: should the state change meanwhile, Terraform does not apply the plan.
        """
        ran = self.run("plan", "-json", "-lock=false", f"-out={_PLAN}", *options)
        if isinstance(ran, Err):
            return ran
        if ran.value.code != 0:
            return failed(ran.value, "Terraform could not plan")
        shown = self.run("show", "-json", _PLAN)
        if isinstance(shown, Err):
            return shown
        found = next((line for line in shown.value.lines if "format_version" in line), None)
        return failed(shown.value, "Terraform did not show its plan") if found is None else Ok(value=found)

    def apply(self, hear: Hear) -> Result[Ran]:
        """Carries out exactly what `plan` planned."""
        ran = self.run("apply", "-json", "-lock-timeout=60s", _PLAN, hear=hear, writes=True)
        if isinstance(ran, Err) or ran.value.code == 0:
            return ran
        return failed(ran.value, "Terraform could not do it")

    def adopt(self, address: str, identity: str) -> Err | None:
        """Takes what is there into the state."""
        ran = self.run("import", "-no-color", "-lock-timeout=60s", address, identity, writes=True)
        if isinstance(ran, Err):
            return ran
        return None if ran.value.code == 0 else failed(ran.value, f"{address} could not be taken over")

    def run(
        self, command: str, *options: str, hear: Hear = lambda _: None, writes: bool = False
    ) -> Result[Ran]:
        env = {f"TF_VAR_{name}": value for name, value in self.secrets.items()} | _cache()
        env |= {program.MARK: str(self.place)} if writes else {}
        line = [self.program.path, command, *options]
        try:
            return program.run(
                line,
                self.folder,
                program.environment(env),
                hear=hear,
                until=self.until,
                cancelled=self.cancelled,
            )
        except OSError as problem:
            return Err(code="failed", title=f"{self.program.name} does not start", message=str(problem))

    def close(self) -> None:
        """Throws the folder away. Never raises."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1


def opened(
    found: Program,
    root: Path,
    place: Path,
    config: Block,
    *,
    until: float | None = None,
    cancelled: Callable[[], bool] = _never,
    secrets: Mapping[str, str] | None = None,
) -> Result[Work]:
    """A folder with this configuration, initialised. `root`: the kernel's state; `place`: where Terraform's state lies."""
    limit = until if until is not None else time.monotonic() + SECONDS
    try:
        _sweep(root / FOLDER)
        folder = Path(tempfile.mkdtemp(prefix=f"{place.parent.name}-", dir=private_dir(root / FOLDER)))
        lock = os.open(folder / ".held", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        backend = {"backend": {"local": {"path": literal(str(place / state.FILE))}}}
        whole = config | {"terraform": cast("Block", config["terraform"]) | backend}
        (folder / "main.tf.json").write_text(
            json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    except OSError as problem:
        from casava_os.infra.store import unwritable

        return unwritable(problem)
    work = Work(found, folder, place, config, limit, cancelled, secrets or {}, lock)
    wrong = _initialised(work)
    if wrong is not None:
        work.close()
        return wrong
    return Ok(value=work)


def _sweep(folder: Path) -> None:
    """Removes folders of programs that were killed."""
    for left in folder.glob("*-*"):
        with suppress(OSError):
            lock = os.open(left / ".held", os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(lock)


def _initialised(work: Work) -> Err | None:
    """Gets the provider: from a mirror or cache that the person has configured, else from the registry, once."""
    home = private_dir(cache_dir() / FOLDER)
    pinned, here = home / f"{work.program.name}.lock.hcl", work.folder / ".terraform.lock.hcl"
    with _alone(home / ".lock"):
        ran: Result[Ran] = Err(code="failed", title="Terraform was not initialised")
        for again in (True, False):
            if again and not pinned.exists():
                continue
            if again:
                shutil.copyfile(pinned, here)
            else:
                here.unlink(missing_ok=True)  # the version that was pinned may be gone
            ran = work.run("init", "-no-color")
            if isinstance(ran, Err):
                return ran
            if ran.value.code == 0:
                with suppress(OSError):
                    temporary = pinned.with_suffix(".new")
                    shutil.copyfile(here, temporary)
                    temporary.replace(pinned)
                return None
    return not_initialised(ran.value) if isinstance(ran, Ok) else ran


def _cache() -> dict[str, str]:
    """The provider is large: one copy for all, where the person has named no place for it."""
    if os.environ.get("TF_PLUGIN_CACHE_DIR"):
        return {}
    config = Path(os.environ.get("TF_CLI_CONFIG_FILE") or "~/.terraformrc").expanduser()
    with suppress(OSError, UnicodeDecodeError):
        if "plugin_cache_dir" in config.read_text(encoding="utf-8"):
            return {}
    return {"TF_PLUGIN_CACHE_DIR": str(private_dir(cache_dir() / FOLDER / "plugins"))}


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One at a time: the cache of providers does not bear two."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


# ------------------------------------------------------------------------------------------------ what is being applied

APPLIED = "applied.json"


def remembered(place: Path) -> Block | None:
    """The configuration that was applied last, or that was about to be; None when there is none."""
    try:
        found = json.loads((place / APPLIED).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def remember(place: Path, config: Block) -> Err | None:
    """Writes it down before Terraform makes the first thing of it, and waits until it is on the disk."""
    try:
        private_dir(place)
        temporary = place / f".{APPLIED}.new"
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(config, ensure_ascii=False).encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place / APPLIED)
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as problem:
        from casava_os.infra.store import unwritable

        return unwritable(problem)
    return None
