"""Runs one command line of a stranger: without a network, on a read-only system, with nothing to write but its workspace.

`bwrap` gives it namespaces of its own, /usr read-only and an empty /tmp; `prlimit` bounds what it writes and how long.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SECONDS = 6.0
_MOST_BYTES = 2**22
_RENAME = """#!/usr/bin/perl
my ($force, $rule); while (@ARGV && $ARGV[0] =~ /^-/) { $force = 1 if shift =~ /f/; } $rule = shift;
if (!@ARGV) { chomp(@ARGV = <STDIN>); }
for (@ARGV) { my $was = $_; eval $rule; die $@ if $@; next if $was eq $_; next if -e $_ && !$force; rename $was, $_; }
"""
"""perl's `rename`, as far as the translator knows it."""


@dataclass(frozen=True, slots=True)
class Ran:
    """Exit code, and what was printed."""

    code: int
    out: str
    err: str


def available() -> bool:
    """Whether commands can be tried here."""
    return all(shutil.which(program) for program in ("bwrap", "prlimit"))


def run(command: str, workspace: Path, stdin: str = "") -> Ran:
    """Runs `bash -c command` with the workspace as its directory. Exit code 124 is a time-out."""
    with tempfile.TemporaryDirectory(prefix="casava-people-") as tools:
        rename = Path(tools, "rename")
        rename.write_text(_RENAME)
        rename.chmod(0o755)
        line = [
            *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
            *("--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib"),
            *("--symlink", "usr/lib64", "/lib64", "--ro-bind-try", "/etc/alternatives", "/etc/alternatives"),
            *("--ro-bind", tools, "/tools", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108 - the jail's own
            *("--bind", str(workspace), "/workspace", "--chdir", "/workspace", "--clearenv"),
            *(
                "--setenv",
                "PATH",
                "/usr/bin:/tools",
                "--setenv",
                "LC_ALL",
                "C.UTF-8",
                "--setenv",
                "HOME",
                "/workspace",
            ),
            *("prlimit", f"--fsize={2**28}", "--cpu=5", "--nproc=64", "bash", "-c", command),
        ]
        try:
            done = subprocess.run(
                line, input=stdin.encode(), capture_output=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return Ran(124, "", "it did not end")
    out, err = (data[:_MOST_BYTES].decode("utf-8", "replace") for data in (done.stdout, done.stderr))
    return Ran(done.returncode, out, err)
