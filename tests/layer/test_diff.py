"""What a person is shown before approving."""

from __future__ import annotations

import os
from pathlib import Path

from casava_sandbox.layer.store import DiskLayerStore
from casava_sandbox.layer.visible import visible
from tests.layer.merged import made, shell, tree_of


def diff_of(
    store: DiskLayerStore, workspace: Path, script: str, *, max_bytes: int = 2**20, context: int = 3
) -> str:
    layer = made(store, workspace)
    shell(layer.paths, script)
    return layer.diff(layer.changeset(), max_bytes=max_bytes, context=context)


def test_a_diff_that_patch_understands(tmp_path: Path, store: DiskLayerStore) -> None:
    lines = [f"line {number}" for number in range(1, 41)]
    workspace = tree_of(tmp_path / "w", {"f": "\n".join(lines) + "\n"})
    diff = diff_of(
        store, workspace, "sed -i -e 5d -e 's/line 20$/twenty/' -e '40a last' f; printf 'no end' > g"
    )
    assert diff.splitlines() == [
        "--- a/f", "+++ b/f",
        "@@ -2,7 +2,6 @@", " line 2", " line 3", " line 4", "-line 5", " line 6", " line 7", " line 8",
        "@@ -17,7 +16,7 @@", " line 17", " line 18", " line 19", "-line 20", "+twenty", " line 21", " line 22", " line 23",
        "@@ -38,3 +37,4 @@", " line 38", " line 39", " line 40", "+last",
        "--- /dev/null", "+++ b/g", "@@ -0,0 +1 @@", "+no end", "\\ No newline at end of file",
    ]  # fmt: skip


def test_a_line_for_everything_else(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", {"a": "12345", "d/x": "x", "m": "m", "r": "renamed", "t": "t"})
    (workspace / "bin").write_bytes(b"\0\1\2")
    script = "rm a; rm -r d; echo file > d; chmod 600 m; mv r s; ln -s m l; mkdir e; printf '\\0\\1' > bin; rm t; ln -s m t"
    assert diff_of(store, workspace, script).splitlines() == [
        "deleted file: a (5 bytes)",
        "changed binary file: bin, 3 → 2 bytes, sha256 ae4b3280e56e… → b413f47d13ee…",
        "directory becomes file: d",
        "--- /dev/null", "+++ b/d", "@@ -0,0 +1 @@", "+file",
        "deleted file: d/x (1 bytes)",
        "added directory: e",
        "added link: l → m",
        "mode: m, 0644 → 0600",
        "renamed: r → s",
        "file becomes link: t → m",
    ]  # fmt: skip


def test_nothing_in_names_or_contents_steers_the_terminal(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", {"a": "\ttabs stay\n"})
    evil = os.path.join(os.fsencode(workspace), b"\x1b[2Jx\xff\ny")
    with open(evil, "wb") as file:
        file.write(b"safe\n")
    layer = made(store, workspace)
    shell(
        layer.paths,
        "for f in *; do printf '\\tq\\033]0;title\\007\\302\\233\\342\\200\\256abc\\r\\377\\n' > \"$f\"; done; ln -s \"$(printf '\\033c')\" l",
    )
    diff = layer.diff(layer.changeset())
    assert all(char.isprintable() or char in "\n\t" for char in diff)
    assert "+\tq\\x1b]0;title\\x07\\x9b\\u202eabc\\r\\xff" in diff.splitlines()
    assert "+++ b/\\x1b[2Jx\\xff\\ny" in diff.splitlines()
    assert "added link: l → \\x1bc" in diff.splitlines()


def test_it_is_bounded_and_says_what_is_left_out(tmp_path: Path, store: DiskLayerStore) -> None:
    workspace = tree_of(tmp_path / "w", {f"f{number:03}": "x" for number in range(300)})
    diff = diff_of(store, workspace, "rm f*; echo y > z", max_bytes=1000)
    assert len(diff.encode()) < 1100
    assert diff.splitlines()[-1].endswith("more changes are not shown in full")


def test_huge_files_are_summarised_and_a_line_added_to_one_is_not(
    tmp_path: Path, store: DiskLayerStore
) -> None:
    workspace = tree_of(tmp_path / "w", {"log": "entry\n" * 200_000, "all": "a\n" * 5000, "huge": "h"})
    diff = diff_of(
        store,
        workspace,
        "echo last >> log; yes b | head -5000 > all; head -c 9000000 /dev/zero | tr '\\0' q > huge",
        context=1,
    )
    assert diff.splitlines() == [
        "changed file: all, 10000 → 10000 bytes, too many differing lines to compare here",
        "changed file: huge, 1 → 9000000 bytes, too large to compare here",
        "--- a/log", "+++ b/log", "@@ -200000 +200000,2 @@", " entry", "+last",
    ]  # fmt: skip


def test_visible_leaves_ordinary_text_of_any_script_alone() -> None:
    for text in ("plain", "naïve café", "日本語", "👩\u200d🚀", "a\u00a0b", ""):
        assert visible(text) == text
    assert visible("a\x00\x7f\u2028\u2066\U000e0041\udcff") == "a\\x00\\x7f\\u2028\\u2066\\U000e0041\\xff"
