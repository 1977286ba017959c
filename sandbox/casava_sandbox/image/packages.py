"""The host's own installed packages as a root file system: which files, and the archive that Docker imports."""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

WANTED = [
    "base-files",
    "bash",
    "bc",
    "bzip2",
    "coreutils",
    "curl",
    "dash",
    "diffutils",
    "file",
    "findutils",
    "gawk",
    "git",
    "grep",
    "gzip",
    "hostname",
    "jq",
    "less",
    "libc-bin",
    "make",
    "mawk",
    "ncurses-base",
    "patch",
    "perl-base",
    "procps",
    "python3",
    "python3-minimal",
    "sed",
    "sqlite3",
    "tar",
    "tree",
    "tzdata",
    "unzip",
    "util-linux",
    "xxd",
    "xz-utils",
    "zip",
    "zstd",
]
"""Debian packages that a sandbox has when the host has them; `python3` must be there."""

_LEFT_OUT = re.compile(
    r"/usr/share/(doc|man|info|locale|lintian|bug|menu|pixmaps|bash-completion)/|/usr/lib/python3\S*/test/"
)
_DIRECTORIES = (
    "casava",
    "casava/scratch",
    "dev",
    "etc",
    "proc",
    "run",
    "sys",
    "tmp",
    "usr/local/bin",
    "var/tmp",
    "workspace",
)
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_EXTRA_FILES = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/nsswitch.conf",
    "/etc/debian_version",
    "/etc/localtime",
)
_ACCOUNTS = {
    "etc/passwd": b"root:x:0:0:root:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/false\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
    "etc/hosts": b"127.0.0.1 localhost\n",
}


def installed_closure(wanted: Iterable[str] = WANTED) -> list[str]:
    """The wanted packages that are installed here, with all they depend on. Empty without dpkg or its python3."""
    try:
        listing = subprocess.run(
            [
                "dpkg-query",
                "-W",
                "-f",
                "${db:Status-Abbrev}\t${Package}\t${Provides}\t${Pre-Depends}, ${Depends}\n",
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    depends: dict[str, list[str]] = {}
    providers: dict[str, str] = {}
    for line in listing.splitlines():
        status, package, provides, needs = (*line.split("\t"), "", "", "")[:4]
        if status.startswith("ii"):
            depends[package] = _names(needs)
            for name in _names(provides):
                providers.setdefault(name, package)
    if "python3" not in depends:
        return []
    found: set[str] = set()
    queue = [name for name in wanted if name in depends]
    while queue:
        package = queue.pop()
        if package not in found:
            found.add(package)
            queue += [
                real
                for name in depends[package]
                if (real := name if name in depends else providers.get(name, ""))
            ]
    return sorted(found)


def _names(field: str) -> list[str]:
    """Package names of a dependency field, all alternatives, without versions and architectures."""
    return [
        match.group(0)
        for part in re.split(r"[,|]", field)
        if (match := re.match(r"[a-z0-9][a-z0-9+.-]*", part.strip()))
    ]


def files_of(packages: list[str]) -> list[Path]:
    """Paths of all files and links of the packages, by their real directory (`/bin/sh` is `/usr/bin/sh` where /usr is merged)."""
    listing = subprocess.run(
        ["dpkg", "-L", *packages], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    paths: set[Path] = set()
    parents: dict[str, Path] = {}
    names = [line for line in listing.splitlines() if line.startswith("/") and not _LEFT_OUT.search(line)]
    for name in [*names, *_EXTRA_FILES]:
        directory, _, leaf = name.rpartition("/")
        if directory not in parents:
            parents[directory] = Path(os.path.realpath(directory or "/"))
        path = parents[directory] / leaf
        try:
            mode = path.lstat().st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            paths.add(path)
    return sorted(paths | set(_alternatives(paths)))


def _alternatives(paths: set[Path]) -> list[Path]:
    """Links through /etc/alternatives that lead to one of the paths, such as `awk`."""
    found: list[Path] = []
    for link in Path("/usr/bin").iterdir():
        if link.is_symlink() and str(link.readlink()).startswith("/etc/alternatives/"):
            via = link.readlink()
            if Path(os.path.realpath(link)) in paths:
                found += [link, via]
    return found


def write_archive(stream: IO[bytes], paths: list[Path]) -> None:
    """Writes the root file system as a tar stream: the given files, the fixed skeleton, no owner but root."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        made: set[str] = set()
        for name in _MERGED:
            if (Path("/") / name).is_symlink():
                archive.addfile(_link(name, f"usr/{name}"))
                _directory(archive, f"usr/{name}", made)
        for name in _DIRECTORIES:
            _directory(archive, name, made)
        for name, data in _ACCOUNTS.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o644
            archive.addfile(info, io.BytesIO(data))
        for path in paths:
            name = str(path).lstrip("/")
            if name not in _ACCOUNTS and name not in _MERGED:
                _directory(archive, str(Path(name).parent), made)
                _add(archive, path, name)
        if Path("/usr/bin/python3") in paths and Path("/usr/bin/python") not in paths:
            archive.addfile(_link("usr/bin/python", "python3"))


def _directory(archive: tarfile.TarFile, name: str, made: set[str]) -> None:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    for depth in range(1, len(parts) + 1):
        directory = "/".join(parts[:depth])
        if directory not in made:
            made.add(directory)
            info = tarfile.TarInfo(directory)
            info.type = tarfile.DIRTYPE
            info.mode = 0o1777 if directory in ("tmp", "var/tmp") else 0o755
            archive.addfile(info)


def _link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = tarfile.SYMTYPE
    info.linkname = target
    return info


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    """Adds one file or link; set-user-id bits, which nothing in the sandbox may use, are left behind."""
    try:
        if path.is_symlink():
            archive.addfile(_link(name, str(path.readlink())))
            return
        with path.open("rb") as file:
            info = archive.gettarinfo(arcname=name, fileobj=file)
            if not info.isreg():
                info.type, info.linkname = tarfile.REGTYPE, ""
                info.size = os.fstat(file.fileno()).st_size
            info.uid = info.gid = 0
            info.uname = info.gname = "root"
            info.mode &= 0o755
            archive.addfile(info, file)
    except PermissionError:
        return  # a file that only root may read is of no use to the sandbox's user
