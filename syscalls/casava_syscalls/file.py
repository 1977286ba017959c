"""Family `file`: finding, reading, making, changing and removing files in the workspace."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from casava_syscalls.base import Effect, Syscall
from casava_syscalls.refs import FilesArg, Paths, TextArg
from casava_syscalls.scalars import (
    ByteSize,
    Content,
    Count,
    Duration,
    Extension,
    FileMode,
    Glob,
    Globs,
    Moment,
    Needle,
    WorkspacePath,
)
from casava_syscalls.values import Files, FileType, Number, Table, Text

FileKind = Literal[
    "image", "video", "audio", "document", "spreadsheet", "archive", "code", "data", "notebook", "model"
]  # fmt: skip
"""Sorts of file, told by extension: see `KIND_EXTENSIONS`."""

KIND_EXTENSIONS: dict[FileKind, tuple[str, ...]] = {
    "image": ("png", "jpg", "jpeg", "gif", "webp", "svg", "bmp", "tif", "tiff", "heic", "ico", "avif"),
    "video": ("mp4", "mkv", "mov", "avi", "webm", "m4v", "mpg", "mpeg", "wmv"),
    "audio": ("mp3", "wav", "flac", "ogg", "m4a", "aac", "opus", "wma", "aiff"),
    "document": ("pdf", "doc", "docx", "odt", "rtf", "epub", "ppt", "pptx", "odp", "tex", "pages"),
    "spreadsheet": ("xls", "xlsx", "ods", "numbers", "csv", "tsv"),
    "archive": ("zip", "tar", "gz", "tgz", "bz2", "xz", "zst", "7z", "rar", "tbz2", "txz"),
    "code": (
        *(
            "py",
            "js",
            "ts",
            "jsx",
            "tsx",
            "c",
            "h",
            "cc",
            "cpp",
            "hpp",
            "cs",
            "go",
            "rs",
            "java",
            "kt",
            "swift",
            "rb",
            "php",
        ),
        *(
            "sh",
            "bash",
            "zsh",
            "pl",
            "lua",
            "r",
            "jl",
            "scala",
            "sql",
            "html",
            "css",
            "scss",
            "vue",
            "cu",
            "m",
            "zig",
        ),
    ),
    "data": (
        "csv",
        "tsv",
        "json",
        "jsonl",
        "parquet",
        "xml",
        "yaml",
        "yml",
        "npy",
        "npz",
        "h5",
        "hdf5",
        "feather",
        "arrow",
        "db",
    ),
    "notebook": ("ipynb",),
    "model": ("gguf", "safetensors", "pt", "pth", "ckpt", "onnx", "bin", "pkl", "joblib", "keras", "tflite"),
}
"""Which extensions belong to which kind."""

Order = Literal["name", "largest", "smallest", "newest", "oldest", "extension"]
Algorithm = Literal["sha256", "sha1", "sha512", "md5", "blake2b"]


class Find(Syscall[Files]):
    """Files under a directory that match every given condition."""

    call: Literal["file.find"] = "file.find"
    effect: ClassVar = Effect.READ

    root: WorkspacePath = "."
    """The directory to search."""
    name: Glob | None = None
    """The whole name, as a pattern."""
    name_contains: Needle | None = None
    name_starts: Needle | None = None
    name_ends: Needle | None = None
    extension: tuple[Extension, ...] | None = None
    """Any of these extensions."""
    kind: FileKind | None = None
    """A sort of file, told by extension."""
    type: FileType | None = None
    larger_than: ByteSize | None = None
    smaller_than: ByteSize | None = None
    older_than: Duration | None = None
    """Last modified longer ago than this."""
    newer_than: Duration | None = None
    """Last modified within this time."""
    modified_after: Moment | None = None
    modified_before: Moment | None = None
    contains: Needle | None = None
    """The content has this literal text."""
    empty: bool | None = None
    """Only files of zero bytes and directories without entries (true), or only others (false)."""
    executable: bool | None = None
    hidden: bool | None = None
    """Only names that begin with a dot (true), or none of them (false)."""
    mode: FileMode | None = None
    """Permission bits, octal: exactly these."""
    max_depth: Count | None = None
    """1 means directly in `root`."""
    min_depth: Count | None = None
    exclude: Globs | None = None
    """Leave out what matches any of these patterns, and everything below it."""
    ignore_case: bool = False
    sort: Order = "name"
    limit: Count | None = None

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if (
            self.larger_than is not None
            and self.smaller_than is not None
            and self.larger_than >= self.smaller_than
        ):
            raise ValueError(
                "no file is both larger and smaller than that: larger_than must be below smaller_than"
            )
        if self.older_than is not None and self.newer_than is not None and self.older_than >= self.newer_than:
            raise ValueError("no file is both older and newer than that: older_than must be below newer_than")
        if self.min_depth is not None and self.max_depth is not None and self.min_depth > self.max_depth:
            raise ValueError("min_depth must not exceed max_depth")
        if self.mode is not None and not self.mode.isdigit():
            raise ValueError("the mode to look for must be octal, like 644")
        return self


class CountFiles(Syscall[Number]):
    """How many entries there are in a list of files."""

    call: Literal["file.count"] = "file.count"
    effect: ClassVar = Effect.READ

    paths: FilesArg


class ListDir(Syscall[Files]):
    """The entries of one directory."""

    call: Literal["file.list"] = "file.list"
    effect: ClassVar = Effect.READ

    path: WorkspacePath = "."
    hidden: bool = False
    """Also names that begin with a dot."""
    sort: Order = "name"


class Read(Syscall[Text]):
    """The text of one or more files: all of it, or some lines."""

    call: Literal["file.read"] = "file.read"
    effect: ClassVar = Effect.READ

    paths: FilesArg
    first: Count | None = None
    """Only this many lines from the start."""
    last: Count | None = None
    """Only this many lines from the end."""
    from_line: Count | None = None
    to_line: Count | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        _one_slice(self.first, self.last, self.from_line, self.to_line)
        return self


def _one_slice(first: int | None, last: int | None, from_line: int | None, to_line: int | None) -> None:
    if sum((first is not None, last is not None, from_line is not None or to_line is not None)) > 1:
        raise ValueError("give the first lines, or the last, or a range: not several")
    if from_line is not None and to_line is not None and from_line > to_line:
        raise ValueError("from_line must not exceed to_line")


class Write(Syscall[Files]):
    """Puts text into a file: a new one, instead of the old text, after it or before it."""

    call: Literal["file.write"] = "file.write"
    effect: ClassVar = Effect.WRITE

    path: WorkspacePath
    content: TextArg = ""
    how: Literal["create", "overwrite", "append", "prepend"] = "create"
    """`create` fails when the file exists."""

    @model_validator(mode="after")
    def _a_file(self) -> Self:
        if self.path == ".":
            raise ValueError("the workspace itself is not a file")
        return self


class Touch(Syscall[Files]):
    """Makes empty files, or sets the modification time of existing ones to now."""

    call: Literal["file.touch"] = "file.touch"
    effect: ClassVar = Effect.WRITE

    paths: FilesArg


class MakeDir(Syscall[Files]):
    """Makes directories, with their parents."""

    call: Literal["file.make_dir"] = "file.make_dir"
    effect: ClassVar = Effect.WRITE

    paths: Paths


class Copy(Syscall[Files]):
    """Copies files and directories, to a new name or into a directory."""

    call: Literal["file.copy"] = "file.copy"
    effect: ClassVar = Effect.WRITE

    paths: FilesArg
    to: WorkspacePath
    """A directory (made when several files go there), or the new name of a single one."""
    overwrite: bool = False

    @model_validator(mode="after")
    def _elsewhere(self) -> Self:
        _not_onto_itself(self.paths, self.to)
        return self


def _not_onto_itself(paths: object, to: str) -> None:
    if isinstance(paths, tuple) and to in paths:
        raise ValueError(f"source and destination are the same: {to!r}")


class Move(Syscall[Files]):
    """Moves files and directories into a directory or to a new path."""

    call: Literal["file.move"] = "file.move"
    effect: ClassVar = Effect.WRITE | Effect.DELETE

    paths: FilesArg
    to: WorkspacePath
    """A directory (made when several files go there), or the new path of a single one."""
    overwrite: bool = False

    @model_validator(mode="after")
    def _elsewhere(self) -> Self:
        _not_onto_itself(self.paths, self.to)
        return self


class Rename(Syscall[Files]):
    """Renames in place: one file to a new name, or many by a rule."""

    call: Literal["file.rename"] = "file.rename"
    effect: ClassVar = Effect.WRITE | Effect.DELETE

    paths: FilesArg
    to: WorkspacePath | None = None
    """The new name of a single file: a bare name stays in its directory."""
    find: Needle | None = None
    """In each name, replace this text …"""
    replacement: Content | None = None
    """… by this one."""
    prefix: Needle | None = None
    """Put before each name."""
    suffix: Needle | None = None
    """Put after each name, before its extension."""
    case: Literal["lower", "upper"] | None = None
    extension: Extension | None = None
    """The new extension."""

    @model_validator(mode="after")
    def _a_rule(self) -> Self:
        rules = (self.find, self.prefix, self.suffix, self.case, self.extension)
        if self.to is None and all(rule is None for rule in rules):
            raise ValueError(
                "say the new name, or a rule: find and replacement, prefix, suffix, case or extension"
            )
        if self.to is not None and any(rule is not None for rule in rules):
            raise ValueError("a new name and a rule exclude each other")
        if self.replacement is not None and self.find is None:
            raise ValueError("replacement needs find: the text to replace")
        if self.to is not None:
            _not_onto_itself(self.paths, self.to)
        return self


class Delete(Syscall[Files]):
    """Deletes files, and directories with all that is in them."""

    call: Literal["file.delete"] = "file.delete"
    effect: ClassVar = Effect.DELETE

    paths: FilesArg

    @model_validator(mode="after")
    def _not_the_root(self) -> Self:
        if isinstance(self.paths, tuple) and "." in self.paths:
            raise ValueError("the workspace itself cannot be deleted")
        return self


class Chmod(Syscall[Files]):
    """Changes permission bits."""

    call: Literal["file.chmod"] = "file.chmod"
    effect: ClassVar = Effect.WRITE

    paths: FilesArg
    mode: FileMode
    recursive: bool = False


class Link(Syscall[Files]):
    """Makes a link that points to a file or directory."""

    call: Literal["file.link"] = "file.link"
    effect: ClassVar = Effect.WRITE

    target: WorkspacePath
    path: WorkspacePath
    """Where the link is made."""
    hard: bool = False

    @model_validator(mode="after")
    def _elsewhere(self) -> Self:
        _not_onto_itself((self.target,), self.path)
        return self


class Archive(Syscall[Files]):
    """Packs files into an archive; the format follows the name (zip, tar, tar.gz, tar.bz2, tar.xz)."""

    call: Literal["file.archive"] = "file.archive"
    effect: ClassVar = Effect.WRITE

    paths: FilesArg
    to: WorkspacePath

    @model_validator(mode="after")
    def _known_format(self) -> Self:
        if not self.to.lower().endswith(
            (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
        ):
            raise ValueError(
                f"{self.to!r} names no known archive format: use .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz"
            )
        _not_onto_itself(self.paths, self.to)
        return self


class Extract(Syscall[Files]):
    """Unpacks an archive into a directory; entries that would land outside it are refused."""

    call: Literal["file.extract"] = "file.extract"
    effect: ClassVar = Effect.WRITE

    paths: FilesArg
    to: WorkspacePath = "."


class Hash(Syscall[Table]):
    """Checksums of files."""

    call: Literal["file.hash"] = "file.hash"
    effect: ClassVar = Effect.READ

    paths: FilesArg
    algorithm: Algorithm = "sha256"


class Stat(Syscall[Table]):
    """Size, times, permissions, owner and type of files."""

    call: Literal["file.stat"] = "file.stat"
    effect: ClassVar = Effect.READ

    paths: FilesArg


class Size(Syscall[Number]):
    """How many bytes files and directories hold together."""

    call: Literal["file.size"] = "file.size"
    effect: ClassVar = Effect.READ

    paths: FilesArg = (".",)


class Usage(Syscall[Table]):
    """Bytes held by each entry of a directory, largest first."""

    call: Literal["file.usage"] = "file.usage"
    effect: ClassVar = Effect.READ

    path: WorkspacePath = "."
    limit: Count | None = None


class Diff(Syscall[Text]):
    """The differences between two files or directories, as a unified diff."""

    call: Literal["file.diff"] = "file.diff"
    effect: ClassVar = Effect.READ

    left: WorkspacePath
    right: WorkspacePath

    @model_validator(mode="after")
    def _two(self) -> Self:
        _not_onto_itself((self.left,), self.right)
        return self


class Duplicates(Syscall[Table]):
    """Files with the same content, in groups."""

    call: Literal["file.duplicates"] = "file.duplicates"
    effect: ClassVar = Effect.READ

    root: WorkspacePath = "."
