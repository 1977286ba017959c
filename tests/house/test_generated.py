"""Generated files are what the code would write; a stale one is found."""

import shutil
from pathlib import Path

import pytest

from casava_os import generate


def test_generated_files_are_up_to_date(root: Path) -> None:
    assert generate.main(["--check", "--root", str(root)]) == 0


def test_a_stale_file_is_named_and_mended(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(root / "pyproject.toml", tmp_path)
    for file in generate.GENERATED:
        target = tmp_path / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (root / file.path).read_text()
        end = "" if file.block is None else generate.END.format(name=file.block)
        target.write_text(text.replace(end, f"drifted\n{end}") if end else text + "drifted\n")

    assert generate.main(["--check", "--root", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert all(f"stale: {file.path}" in said for file in generate.GENERATED)

    assert generate.main(["--root", str(tmp_path)]) == 0
    assert generate.main(["--check", "--root", str(tmp_path)]) == 0
    for file in generate.GENERATED:
        assert (tmp_path / file.path).read_text() == (root / file.path).read_text()


def test_text_around_a_generated_part_is_kept() -> None:
    part = generate.Generated("x.md", lambda: "new\n", block="list")
    begin, end = generate.BEGIN.format(name="list"), generate.END.format(name="list")
    assert part.expected(f"before\n{begin}\nold\n{end}\nafter\n") == f"before\n{begin}\nnew\n{end}\nafter\n"


def test_missing_marks_are_an_error() -> None:
    with pytest.raises(SystemExit, match=r"x\.md"):
        generate.Generated("x.md", lambda: "new\n", block="list").expected("no marks here\n")
