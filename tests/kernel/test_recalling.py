"""What words that point back are taken for."""

from __future__ import annotations

from casava_os.kernel import recalling
from casava_syscalls.values import Entry, Files


def test_a_list_does_not_name_what_holds_what_it_left_out() -> None:
    """ "delete those" after "list everything but keep.jpg": the directory above it would take it along."""
    listed = Files(
        items=(
            Entry(path="out/a.jpg"),
            Entry(path="out/web", type="directory", partial=True),
            Entry(path="out/web/b.jpg"),
        )
    )
    assert list(recalling._names(listed.model_dump(mode="json"))) == ["out/a.jpg", "out/web/b.jpg"]
    assert list(recalling._names({"kind": "files", "items": [{"path": ""}, {"path": 3}, "x"]})) == []
    assert list(recalling._names({"kind": "text", "text": "out"})) == []
