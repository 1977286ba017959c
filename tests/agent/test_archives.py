"""Packing and unpacking: what goes in comes out, and a hostile archive leaves nothing behind."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.agent.here import Here

FORMATS = ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tbz2", "a.tar.xz", "a.txz"]


@pytest.mark.parametrize("name", FORMATS)
def test_what_goes_in_comes_out(here: Here, name: str) -> None:
    here.make(
        {"d/f": "1", "d/s/g": b"\0" * 100_000, "d/l": "-> s/g", "d/empty": None, "top.sh": "x", "ü \n": "odd"}
    )
    (here.root / "top.sh").chmod(0o755)
    (here.root / os.fsdecode(b"raw-\xff")).write_text("bytes")
    os.utime(here.root / "d/f", (1_600_000_000, 1_600_000_000))
    before = here.tree()
    assert here.paths("file.archive", paths=["."], to=f"out/{name}") == [f"out/{name}"]
    packed = (here.root / "out" / name).read_bytes()
    extracted = here.paths("file.extract", paths=[f"out/{name}"], to="again")
    there = {key[6:]: value for key, value in here.tree().items() if key.startswith("again/")}
    # The archive's own directory was made before packing; the archive itself never is part of it.
    assert {key: value for key, value in there.items() if key != "out"} == before
    assert len(extracted) == len(there)
    assert (here.root / "again/d/f").stat().st_mtime == 1_600_000_000
    here("file.delete", paths=["again", "out"])
    here("file.archive", paths=["."], to=f"out/{name}")
    assert (here.root / "out" / name).read_bytes() == packed


def test_other_programs_can_read_them(here: Here) -> None:
    here.make({"d/f": "1", "d/l": "-> f", "d/g": "2"})
    here("file.archive", paths=["d/f", "d/l"], to="a.tar.xz")
    listed = subprocess.run(
        ["tar", "tf", "a.tar.xz"], cwd=here.root, check=True, capture_output=True, text=True
    )
    assert listed.stdout.split() == ["d/f", "d/l"]
    here("file.archive", paths=["d"], to="a.zip")
    with zipfile.ZipFile(here.root / "a.zip") as packed:
        assert packed.namelist() == ["d/", "d/f", "d/g", "d/l"]
        assert packed.testzip() is None


def test_packing_that_is_refused(here: Here) -> None:
    here.make({"f": "1", "a.zip": "there", "d/x": ""})
    os.mkfifo(here.root / "d/pipe")
    here.fails("file.archive", "exists", paths=["f"], to="a.zip")
    here.fails("file.archive", "not-found", paths=["g"], to="b.zip")
    here.fails("file.archive", "unsupported", paths=["d"], to="b.zip")
    here.fails("file.archive", "not-found", paths={"kind": "files", "items": []}, to="b.zip")


def test_nothing_is_overwritten(here: Here) -> None:
    here.make({"d/f": "1", "d/g": "2"})
    here("file.archive", paths=["d"], to="a.tar")
    assert "d/f, d/g" in here.fails("file.extract", "exists", paths=["a.tar"]).message
    (here.root / "d/f").unlink()
    here.fails("file.extract", "exists", paths=["a.tar"])
    (here.root / "d/g").unlink()
    assert here.paths("file.extract", paths=["a.tar"]) == ["d", "d/f", "d/g"]
    here("file.copy", paths=["a.tar"], to="b.tar")
    here.fails("file.extract", "exists", paths=["a.tar", "b.tar"], to="new")
    here.fails("file.extract", "not-a-directory", paths=["a.tar"], to="d/f")


@pytest.mark.parametrize(("suffix", "module"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_single_compressed_files(here: Here, suffix: str, module: object) -> None:
    (here.root / f"notes.txt.{suffix}").write_bytes(module.compress(b"hello\n" * 1000))  # type: ignore[attr-defined]
    assert here.paths("file.extract", paths=[f"notes.txt.{suffix}"], to="d") == ["d/notes.txt"]
    assert (here.root / "d/notes.txt").read_bytes() == b"hello\n" * 1000
    (here.root / f"bad.{suffix}").write_bytes(module.compress(os.urandom(5000))[:-700])  # type: ignore[attr-defined]
    here.fails("file.extract", "failed", paths=[f"bad.{suffix}"])
    (here.root / f"bad.tar.{suffix}").write_bytes(module.compress(b"no tar"))  # type: ignore[attr-defined]
    here.fails("file.extract", "failed", paths=[f"bad.tar.{suffix}"])


def tar_of(path: Path, *members: tuple[str, bytes, str]) -> None:
    """A tar archive of (name, type, content or link target)."""
    with tarfile.open(path, "w") as tar:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode = kind, 0o777
            data = content.encode() if kind == tarfile.REGTYPE else b""
            info.linkname = "" if data else content
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


FILE, LINK, HARD, DIR = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
HOSTILE = {
    "climbs": [("ok", FILE, "x"), ("../evil", FILE, "x")],
    "climbs inside": [("d/../../evil", FILE, "x")],
    "absolute": [("/tmp/evil", FILE, "x")],
    "absolute link": [("l", LINK, "/etc")],
    "link out": [("l", LINK, "../..")],
    "link out by detour": [("d", DIR, ""), ("d/l", LINK, "../../x")],
    "link through a link": [("a/b/l", LINK, "../../top"), ("top", DIR, ""), ("m", LINK, "a/b/l/../../x")],
    "hard link out": [("h", HARD, "../../victim")],
    "absolute hard link": [("h", HARD, "/etc/passwd")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_a_tar_that_wants_out(here: Here, members: list[tuple[str, bytes, str]]) -> None:
    tar_of(here.root / "evil.tar", *members)
    here.fails("file.extract", "outside-workspace", paths=["evil.tar"], to="d")


def test_writing_through_a_link_of_the_archive(here: Here) -> None:
    tar_of(here.root / "evil.tar", ("d", DIR, ""), ("l", LINK, "d"), ("l/f", FILE, "x"))
    here.fails("file.extract", "failed", paths=["evil.tar"], to="t")


def test_a_link_of_the_workspace_is_not_written_through(here: Here) -> None:
    outside = here.root.parent / "outside"
    outside.mkdir()
    here.make({"t/d": f"-> {outside}"})
    tar_of(here.root / "evil.tar", ("d/f", FILE, "x"))
    here.fails("file.extract", "exists", paths=["evil.tar"], to="t")
    assert list(outside.iterdir()) == []


def test_devices_and_hard_links_to_nothing(here: Here) -> None:
    tar_of(here.root / "dev.tar", ("null", tarfile.CHRTYPE, ""))
    here.fails("file.extract", "unsupported", paths=["dev.tar"])
    tar_of(here.root / "hard.tar", ("h", HARD, "nowhere"))
    here.fails("file.extract", "failed", paths=["hard.tar"])


def test_good_links_come_out(here: Here) -> None:
    tar_of(here.root / "a.tar", ("a/b/l", LINK, "../../top"), ("top", FILE, "x"), ("h", HARD, "top"))
    here("file.extract", paths=["a.tar"], to="t")
    assert (here.root / "t/a/b/l").read_text() == (here.root / "t/h").read_text() == "x"


def test_zips_that_want_out_or_are_locked(here: Here) -> None:
    for name in ("../evil", "/evil", "a/../../evil"):
        with zipfile.ZipFile(here.root / "evil.zip", "w") as packed:
            packed.writestr("ok", "x")
            packed.writestr(name, "x")
        here.fails("file.extract", "outside-workspace", paths=["evil.zip"])
    with zipfile.ZipFile(here.root / "link.zip", "w") as packed:
        info = zipfile.ZipInfo("l")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        packed.writestr(info, "/etc/passwd")
    here.fails("file.extract", "outside-workspace", paths=["link.zip"])
    locked = bytearray((here.root / "evil.zip").read_bytes().replace(b"a/../../evil", b"a/b/c/d/evil"))
    at = locked.index(b"PK\x01\x02")
    locked[at + 8] |= 1
    (here.root / "locked.zip").write_bytes(locked)
    assert "password" in here.fails("file.extract", "unsupported", paths=["locked.zip"]).message


def test_bombs(here: Here) -> None:
    bomb = zipfile.ZipFile(here.root / "bomb.zip", "w", zipfile.ZIP_DEFLATED)
    with bomb, bomb.open("zeros", "w") as member:
        for _ in range(300):
            member.write(bytes(2**20))
    assert (here.root / "bomb.zip").stat().st_size < 2**20
    assert "swells" in here.fails("file.extract", "limit", paths=["bomb.zip"], to="d").title
    here.limits = {"file_bytes": 1000}
    tar_of(here.root / "big.tar", ("f", FILE, "x" * 1001))
    here.fails("file.extract", "limit", paths=["big.tar"], to="d")


def test_damaged_and_unknown(here: Here) -> None:
    here.make({"f": "1" * 5000})
    here("file.archive", paths=["f"], to="a.zip")
    data = (here.root / "a.zip").read_bytes()
    (here.root / "cut.zip").write_bytes(data[: len(data) // 2])
    (here.root / "crc.zip").write_bytes(data[:40] + bytes([data[40] ^ 255]) + data[41:])
    here.make({"a.rar": b"Rar!\x1a\x07\0", "a.txt": "plain\n", "a.7z": b"7z\xbc\xaf\x27\x1c"})
    here.fails("file.extract", "failed", paths=["cut.zip"], to="d")
    here.fails("file.extract", "failed", paths=["crc.zip"], to="d")
    assert "process.run" in here.fails("file.extract", "unsupported", paths=["a.rar"]).hint
    here.fails("file.extract", "unsupported", paths=["a.7z"])
    here.fails("file.extract", "unsupported", paths=["a.txt"])
