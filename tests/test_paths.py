"""Where things are kept: XDG, `CASAVA_HOME`, and who may read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from casava_os import paths


def test_xdg_and_its_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("CASAVA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.config_dir() == tmp_path / ".config/casava-os"
    assert paths.state_dir() == tmp_path / ".local/state/casava-os"
    assert paths.data_dir() == tmp_path / ".local/share/casava-os"
    assert paths.cache_dir() == tmp_path / ".cache/casava-os"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "x"))
    assert paths.state_dir() == tmp_path / "x/casava-os"
    monkeypatch.setenv("XDG_STATE_HOME", "relative/is/ignored")
    assert paths.state_dir() == tmp_path / ".local/state/casava-os"


def test_casava_home_moves_all_of_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CASAVA_HOME", str(tmp_path / "home"))
    places = {paths.config_dir(), paths.state_dir(), paths.data_dir(), paths.cache_dir()}
    assert {place.parent for place in places} == {tmp_path / "home"}
    assert len(places) == 4
    assert not (tmp_path / "home").exists()


def test_what_is_written_is_private(tmp_path: Path) -> None:
    made = paths.private_dir(tmp_path / "a/b")
    paths.write_private(made / "f", b"1")
    paths.write_private(made / "f", b"22")
    assert (made / "f").read_bytes() == b"22"
    assert (made / "f").stat().st_mode & 0o777 == 0o600
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b")} == {0o700}
    assert [entry.name for entry in made.iterdir()] == ["f"]
