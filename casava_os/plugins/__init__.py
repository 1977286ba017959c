"""Apps: found, read and checked without running a line of theirs.

An app is a folder with an `app.toml`. Installed ones are named by entry points of the group `casava_os.apps`, whose value
is the package that the folder is; the person's own lie in `<config>/apps/NAME/`. Listing reads the manifests only: no
package of an app is imported before it runs.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from casava_os.paths import config_dir
from casava_os.plugins.manifest import App, Manifest, first_problem, read_toml
from casava_syscalls.results import Err, Ok, Result

GROUP = "casava_os.apps"
"""The entry-point group in which an installed distribution names its apps."""


def read_app(folder: Path, source: Literal["installed", "own"]) -> Result[App]:
    """The app in a folder, checked: its name is the folder's, and only an installed one may bring code."""
    path = folder / "app.toml"
    data = read_toml(path)
    if isinstance(data, Err):
        return data
    try:
        manifest = Manifest.model_validate(data.value)
    except ValidationError as problem:
        return Err(
            code="usage",
            title=f"{path} is not right",
            message=first_problem(problem),
            hint="apps/README.md shows one",
        )
    if source == "own" and manifest.main is not None:
        return Err(
            code="unsupported",
            title=f"{manifest.name} brings code of its own",
            message="`main` runs with your rights, so it is for installed packages; an app in a folder says `request` or `steps`",
            hint=f"install it as a package with an entry point in the group {GROUP}",
        )
    return Ok(value=App(manifest, folder, source))


def _package_folder(package: str) -> Path | None:
    """Where a package lies, found without importing it: only its top level is looked up."""
    top, *rest = package.split(".")
    spec = importlib.util.find_spec(top)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location, *rest)
        if (folder / "app.toml").is_file():
            return folder
    return None


def find_apps() -> dict[str, Result[App]]:
    """All apps by name, the person's own over installed ones; a broken one stands there with what is wrong."""
    found: dict[str, Result[App]] = {}
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: point.name):
        folder = _package_folder(point.value)
        if folder is None:
            found[point.name] = Err(
                code="not-found",
                title=f"{point.name} has no app.toml",
                message=f"the package {point.value} holds none",
            )
        else:
            found[point.name] = _named(read_app(folder, "installed"), point.name)
    own = config_dir() / "apps"
    for path in sorted(own.glob("*/app.toml")) if own.is_dir() else ():
        found[path.parent.name] = _named(read_app(path.parent, "own"), path.parent.name)
    return dict(sorted(found.items()))


def _named(app: Result[App], name: str) -> Result[App]:
    if isinstance(app, Ok) and app.value.manifest.name != name:
        title = f"the app in {app.value.folder} calls itself {app.value.manifest.name!r}"
        return Err(code="usage", title=title, message=f"its name must be {name!r}, as it was installed")
    return app


def find_app(name: str) -> Result[App]:
    """One app; `Err("not-found")` names those that there are."""
    apps = find_apps()
    if name in apps:
        return apps[name]
    return Err(
        code="not-found",
        title=f"There is no app {name!r}",
        message=f"there are: {', '.join(apps)}" if apps else "none is installed",
        hint="`casava-os app list` shows them",
    )
