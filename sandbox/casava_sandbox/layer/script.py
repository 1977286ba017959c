"""A changeset as a POSIX shell script: readable, standing alone, and careful about the tree it runs on.

The script first checks everything (each file's digest, each mode, each link, that what it makes is not there) and changes
nothing when something differs; then it does it. Names and texts of others are quoted, or spelled in octal where they hold
anything that is not plainly printable, so that nothing in them can become a line of the script or of its comments.
It needs a POSIX `sh`, `sha256sum` (or `shasum`) and, for contents that are no text, `base64`.
"""

from __future__ import annotations

import base64
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from casava_os.kernel.ports import Change, Changeset
from casava_sandbox.layer.visible import visible
from casava_syscalls.names import text_to_name

MOST_CONTENT = 64 * 2**20
"""Bytes of new contents that a script may carry."""

_SAFE = re.compile(r"[A-Za-z0-9_./@%+=:,-]+\Z")


@dataclass(frozen=True, slots=True)
class Was:
    """What was at a path before: its sha256 (file) or target (link, text form)."""

    kind: Literal["file", "directory", "link"]
    mode: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """What the comments tell."""

    pid: int
    request: str
    plan_sha256: str = ""
    lines: Sequence[str] = ()
    """The plan, a line a step."""


class Unavailable(Exception):  # noqa: N818 - an outcome that the caller turns into a value
    """Why there can be no script; a sentence."""


def script(
    changeset: Changeset,
    before: Mapping[str, Was],
    contents: Callable[[Change], bytes | None],
    story: Story,
) -> bytes:
    """The script's text. `before`: what was at each path that the changeset takes away or alters, and at renamed sources.

    Raises `Unavailable` when contents are no longer there or are too much for a script.
    """
    writer = _Writer(changeset, before, contents)
    body = [*writer.checks(), "", *writer.actions()]
    return "\n".join([*_head(changeset, story), *writer.definitions, *body, ""]).encode()


# ---------------------------------------------------------------------------------------------- the frame

_FRAME = r"""
set -eu
LC_ALL=C; export LC_ALL
umask 077
cd -- "${1:-.}"

refuse() { printf 'casava-os: %s: %s. Nothing was changed.\n' "$2" "$1" >&2; exit 8; }
digest() {
  if command -v sha256sum >/dev/null; then set -- "$(sha256sum <"./$1")"
  else set -- "$(shasum -a 256 <"./$1")"; fi
  printf '%s' "${1%% *}"
}
mode() { m=$(ls -ld -- "$1"); printf '%s' "${m%"${m#??????????}"}"; }
count() { find "./$1" -exec sh -c 'for i do printf .; done' sh {} + | wc -c; }
is_mode() { [ "$(mode "$1")" = "$2" ] || refuse 'has other permissions' "$1"; }
is_file() {
  { [ ! -L "$1" ] && [ -f "$1" ]; } || refuse 'is not the file that was there' "$1"
  is_mode "$1" "$2"
  [ "$(digest "$1")" = "$3" ] || refuse 'has other contents' "$1"
}
is_dir() {
  { [ ! -L "$1" ] && [ -d "$1" ]; } || refuse 'is not the directory that was there' "$1"
  is_mode "$1" "$2"
}
is_link() {
  { [ -L "$1" ] && [ "$(readlink -- "$1"; printf .)" = "$2
." ]; } || refuse 'is not the link that was there' "$1"
}
is_free() { { [ ! -e "$1" ] && [ ! -L "$1" ]; } || refuse 'is there already' "$1"; }
is_whole() { [ "$(count "$1")" -eq "$2" ] || refuse 'holds other files' "$1"; }
is_open() { { [ ! -L "$1" ] && [ -d "$1" ] && [ -w "$1" ]; } || refuse 'cannot be written' "$1"; }
"""


def _head(changeset: Changeset, story: Story) -> list[str]:
    lines = [
        "#!/bin/sh",
        f"# What process {story.pid} of Casava OS did, as a script: sh FILE [DIRECTORY]",
        "#",
        *_told("request:   ", story.request),
        *_told("workspace: ", changeset.workspace),
    ]
    if story.plan_sha256:
        lines += [f"# plan:      sha256:{story.plan_sha256}"]
        for number, line in enumerate(story.lines, 1):
            lines += _told(f"  {number} ", line)
    lines += [
        f"# changes:   sha256:{changeset.digest}",
        *_told("  ", changeset.summary()),
        "#",
        "# It checks the whole tree first and changes nothing when anything differs. Times of change and owners are not kept.",
    ]
    return [*lines, *_FRAME.strip("\n").split("\n"), ""]


def _told(label: str, text: str) -> list[str]:
    """A comment of as many lines as the text has; what could end a comment or hide in one is spelled out."""
    lines = [visible(line) for line in re.split("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", text)]
    return [
        f"# {label if not number else ' ' * len(label)}{line}".rstrip() for number, line in enumerate(lines)
    ]


# ---------------------------------------------------------------------------------------------- the steps


@dataclass(slots=True)
class _Writer:
    changeset: Changeset
    before: Mapping[str, Was]
    contents: Callable[[Change], bytes | None]
    definitions: list[str] = field(default_factory=list)
    """Variables for what quotes cannot show."""
    _spelled: dict[str, str] = field(default_factory=dict)
    _size: int = 0

    def q(self, text: str) -> str:
        """A word of the script that stands for these bytes."""
        if _SAFE.match(text):
            return text
        if visible(text) == text and not any(0xF780 <= ord(char) <= 0xF7FF for char in text):
            return "'" + text.replace("'", "'\\''") + "'"
        if text not in self._spelled:
            name = f"n{len(self._spelled) + 1}"
            octal = "".join(
                chr(byte)
                if chr(byte).isascii()
                and re.match(r"[A-Za-z0-9_./ ]", chr(byte))  # no "-": printf has options
                else f"\\{byte:03o}"
                for byte in text_to_name(text)
            )
            self.definitions.append(f"{name}=$(printf '{octal}.'); {name}=${{{name}%.}}")
            self._spelled[text] = f'"${name}"'
        return self._spelled[text]

    # ------------------------------------------------------------------------------------------ checks

    def checks(self) -> Iterator[str]:
        yield "# 1. Is the tree as it was?"
        gone = [path for path, was in self.before.items() if self._leaves(path)]
        for path, was in sorted(self.before.items(), key=lambda item: item[0].split("/")):
            word = self.q(path)
            flags = self.q(stat.filemode(_TYPE[was.kind] | was.mode))
            if was.kind == "file":
                if was.text is None:
                    raise Unavailable(f"what {visible(path)} held before cannot be read")
                yield f"is_file {word} {flags} {was.text}"
            elif was.kind == "link":
                yield f"is_link {word} {self.q(was.text or '')}"
            else:
                yield f"is_dir {word} {flags}"
                if path in gone:
                    below = sum(other.startswith(path + "/") for other in self.before) + 1
                    yield f"is_whole {word} {below}"
        for change in self.changeset.changes:
            if change.action in ("added", "renamed") and not self._below_new(change.path):
                yield f"is_free {self.q(change.path)}"
        for parent in sorted(self._parents()):
            yield f"is_open {self.q(parent)}"

    def _leaves(self, path: str) -> bool:
        """Whether a directory is no longer there afterwards."""
        change = next((c for c in self.changeset.changes if c.path == path), None)
        if self.before[path].kind != "directory" or change is None:
            return False
        return change.action == "deleted" or change.type != "directory"

    def _below_new(self, path: str) -> bool:
        made = {c.path for c in self.changeset.changes if c.type == "directory" and _makes(c)}
        return any(path.startswith(top + "/") for top in made)

    def _parents(self) -> set[str]:
        """Directories that stay, in which something comes or goes."""
        comes_or_goes = {
            name
            for c in self.changeset.changes
            if c.action != "mode"
            for name in (c.path, c.source)
            if name is not None and not (c.action == "changed" and c.type == c.type_before == "file")
        }
        touched = {c.path for c in self.changeset.changes}
        parents = {path.rpartition("/")[0] or "." for path in comes_or_goes}
        return {path for path in parents if path not in touched or path == "."}

    # ------------------------------------------------------------------------------------------ actions

    def actions(self) -> Iterator[str]:
        changes = self.changeset.changes
        yield "# 2. Do it."
        for change in changes:
            stays_or_goes = change.action in ("mode", "deleted") or change.type_before == "directory"
            closed = _mode(change.mode_before) & 0o700 != 0o700
            if stays_or_goes and closed and self.before[change.path].kind == "directory":
                yield f"chmod -- u+rwx {self.q(change.path)}"
        yield from (f"rm -f -- {self.q(change.path)}" for change in changes if _is_in_the_way(change))
        for change in sorted(changes, key=lambda c: c.path.split("/")):
            if change.type == "directory" and _makes(change):
                yield f"mkdir -- {self.q(change.path)}"
        for change in changes:
            if change.action == "renamed" and change.source is not None:
                yield f"mv -- {self.q(change.source)} {self.q(change.path)}"
        for change in sorted(changes, key=lambda c: c.path.split("/"), reverse=True):
            leaves = change.type_before == "directory" and change.type != "directory"
            if (change.action == "deleted" and change.type == "directory") or leaves:
                yield f"rmdir -- {self.q(change.path)}"
        for change in changes:
            yield from self._fill(change)
        for change in sorted(changes, key=lambda c: c.path.split("/"), reverse=True):
            if change.type == "directory" and change.mode is not None and change.action != "deleted":
                yield f"chmod -- {_chmod(change)} {self.q(change.path)}"

    def _fill(self, change: Change) -> Iterator[str]:
        word = self.q(change.path)
        if change.type == "link" and change.action in ("added", "changed"):
            if change.type_before == "link":
                yield f"rm -f -- {word}"
            yield f"ln -s -- {self.q(change.target or '')} {word}"
        elif change.type == "file" and change.action in ("added", "changed"):
            if change.type_before == "file":
                yield f"rm -f -- {word}"
            yield from self._write(change, word)
            yield f"chmod -- {_chmod(change)} {word}"
        elif (
            change.type == "file"
            and change.mode != change.mode_before
            and change.action in ("mode", "renamed")
        ):
            yield f"chmod -- {_chmod(change)} {word}"

    def _write(self, change: Change, word: str) -> Iterator[str]:
        self._size += change.size or 0
        if self._size > MOST_CONTENT:
            raise Unavailable(
                f"the new contents are more than {MOST_CONTENT >> 20} MiB, too much for a script"
            )
        data = self.contents(change)
        if data is None:
            raise Unavailable(f"the new contents of {visible(change.path)} are no longer there")
        target = f"./{word}"
        text = _plain(data)
        if not data:
            yield f": >{target}"
        elif text is None:
            coded = base64.b64encode(data).decode()
            yield f"base64 -d >{target} <<'='"
            yield from (coded[at : at + 76] for at in range(0, len(coded), 76))
            yield "="
        elif not text.endswith("\n"):
            yield f"printf %s {_quoted(text)} >{target}"
        else:
            lines, end = text.removesuffix("\n").split("\n"), "EOF"
            while end in lines:
                end += "_"
            yield f"cat >{target} <<'{end}'"
            yield from lines
            yield end


_TYPE = {"file": stat.S_IFREG, "directory": stat.S_IFDIR, "link": stat.S_IFLNK}


def _makes(change: Change) -> bool:
    return change.action == "added" or (change.action == "changed" and change.type_before != change.type)


def _is_in_the_way(change: Change) -> bool:
    """A file or link that goes, or in whose place something else comes."""
    if change.action == "deleted":
        return change.type != "directory"
    return change.action == "changed" and change.type_before not in (change.type, "directory")


def _mode(text: str | None) -> int:
    return int(text or "0", 8)


def _chmod(change: Change) -> str:
    """Five digits take the special bits of a directory away, too, where `chmod` would keep them."""
    return f"0{_mode(change.mode):04o}"


def _plain(data: bytes) -> str | None:
    """Contents as text that may stand in a script; None when they hold what a person cannot see."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if visible(text, keep="\n\t") == text and "\r" not in text else None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
