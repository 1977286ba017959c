"""Sorts of file by extension: a copy of the ABI's `KIND_EXTENSIONS` for where pydantic is not; a test compares them."""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterable

KIND_EXTENSIONS: Dict[str, FrozenSet[str]] = {
    kind: frozenset(extensions.split())
    for kind, extensions in {
        "image": "png jpg jpeg gif webp svg bmp tif tiff heic ico avif",
        "video": "mp4 mkv mov avi webm m4v mpg mpeg wmv",
        "audio": "mp3 wav flac ogg m4a aac opus wma aiff",
        "document": "pdf doc docx odt rtf epub ppt pptx odp tex pages",
        "spreadsheet": "xls xlsx ods numbers csv tsv",
        "archive": "zip tar gz tgz bz2 xz zst 7z rar tbz2 txz",
        "code": "py js ts jsx tsx c h cc cpp hpp cs go rs java kt swift rb php sh bash zsh pl lua r jl scala sql html css"
        " scss vue cu m zig",
        "data": "csv tsv json jsonl parquet xml yaml yml npy npz h5 hdf5 feather arrow db",
        "notebook": "ipynb",
        "model": "gguf safetensors pt pth ckpt onnx bin pkl joblib keras tflite",
    }.items()
}


def has_extension(name: str, extensions: Iterable[str]) -> bool:
    """Whether a name ends in a dot and one of the extensions, whatever its case; a mere ".jpg" has none."""
    lower = name.lower()
    return any(
        lower.endswith("." + extension) and len(lower) > len(extension) + 1 for extension in extensions
    )


COMPOUND = (".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")


def split_extension(name: str) -> "tuple[str, str]":
    """(stem, extension with its dot): "a.tar.gz" is ("a", ".tar.gz"), ".bashrc" has no extension."""
    for compound in COMPOUND:
        if name.lower().endswith(compound) and len(name) > len(compound):
            return name[: -len(compound)], name[-len(compound) :]
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem.strip(".") or not extension:
        return name, ""
    return stem, dot + extension
