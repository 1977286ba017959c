"""Plans that can hardly be what was asked for."""

from __future__ import annotations

import re

import pytest

from casava_os.kernel.compiler.tagged import Control, Copy, Segment
from casava_os.model.caution import copies, hardly_meant
from casava_os.model.spoken import spared


def plan(written: str) -> tuple[Segment, ...]:
    """Of a plan as the model writes it."""
    pieces = (piece.strip() for piece in re.split(r"(<[^<>\s]+>)", written))
    return tuple(Control(piece[1:-1]) if piece.startswith("<") else Copy(piece) for piece in pieces if piece)


@pytest.mark.parametrize(
    ("request_text", "written", "hardly"),
    [
        # a copy, or a part that was read, and then the file itself
        ("copy a.txt to b and call it c.txt", "<call:file.copy> <key:paths> a.txt <key:to> b <call:file.rename> <key:paths> a.txt <key:to> c.txt", True),
        ("copy a.txt to b and rename a.txt to c.txt", "<call:file.copy> <key:paths> a.txt <key:to> b <call:file.rename> <key:paths> a.txt <key:to> c.txt", False),
        ("copy a.txt into b and deleted", "<call:file.copy> <key:paths> a.txt <key:to> b <call:file.delete> <key:paths> a.txt", True),
        ("copy a.txt into b and delete it", "<call:file.copy> <key:paths> a.txt <key:to> b <call:file.delete> <key:paths> a.txt", False),
        ("get the first 9 lines of a.txt and put them in b", "<call:file.read> <key:paths> a.txt <key:first> 9 <call:file.move> <key:paths> a.txt <key:to> b", True),
        ("show the first 9 lines of a.txt and move it to b", "<call:file.read> <key:paths> a.txt <key:first> 9 <call:file.move> <key:paths> a.txt <key:to> b", False),
        ("show the last 9 lines of a.txt, then move the file to b", "<call:file.read> <key:paths> a.txt <key:last> 9 <call:file.move> <key:paths> a.txt <key:to> b", False),
        ("read a.txt and c.txt and put them in b", "<call:file.read> <key:paths> a.txt <and> c.txt <call:file.move> <key:paths> a.txt <and> c.txt <key:to> b", False),
        ("shift a.txt to docs and give it the name b.txt", "<call:file.move> <key:paths> a.txt <key:to> docs <call:file.rename> <key:paths> docs <key:to> b.txt", True),
        ("shift a.txt to docs and rename docs to b", "<call:file.move> <key:paths> a.txt <key:to> docs <call:file.rename> <key:paths> docs <key:to> b", False),
        ("zip a into b.zip and move it to c", "<call:file.archive> <key:paths> a <key:to> b.zip <call:file.move> <key:paths> b.zip <key:to> c", False),
        # an archive's name for what is none
        ("the file a.jpg should go into b.tar.gz", "<call:file.move> <key:paths> a.jpg <key:to> b.tar.gz", True),
        ("the file a.zip should be called b.zip", "<call:file.rename> <key:paths> a.zip <key:to> b.zip", False),
        ("a.jpg should go into b", "<call:file.move> <key:paths> a.jpg <key:to> b", False),
        ("the newest photos into b.zip", "<call:file.find> <key:kind> <=:image> <call:file.move> <key:paths> <$1> <key:to> b.zip", True),
        ("a.jpg into B.ZIP", "<call:file.move> <key:paths> a.jpg <key:to> B.ZIP", True),
        # to be replaced in a file, not in its name
        ("take notes.md, change kill to stop", "<call:file.rename> <key:paths> notes.md <key:find> kill <key:replacement> stop", True),
        ("in notes.md's name change note to word", "<call:file.rename> <key:paths> old/Notes.md <key:find> note <key:replacement> word", False),
        ("in the names change kill to stop", "<call:file.find> <call:file.rename> <key:paths> <$1> <key:find> kill <key:replacement> stop", False),
        # what several things are like
        ("purge unneeded folders", "<call:file.delete> <key:paths> unneeded", True),
        ("remove container images", "<call:container.remove> <key:containers> container", True),
        ("purge the folder unneeded", "<call:file.delete> <key:paths> unneeded", False),
        ("purge the unneeded folder", "<call:file.delete> <key:paths> unneeded", False),
        ("nuke old and useless folders", "<call:file.delete> <key:paths> old <and> useless", True),
        ("purge a and b folders", "<call:file.delete> <key:paths> a <and> b", False),
        # nowhere
        ("in docs/a, put all pdfs there", "<call:file.find> <key:root> docs/a <key:extension> pdfs <call:file.move> <key:paths> <$1> <key:to> docs/a/", True),
        ("put all pdfs of docs into docs/a", "<call:file.find> <key:root> docs <key:extension> pdfs <call:file.move> <key:paths> <$1> <key:to> docs/a", False),
        ("move a.txt into the right folder", "<call:file.move> <key:paths> a.txt <key:to> right", True),
        ("move a.txt into right", "<call:file.move> <key:paths> a.txt <key:to> right", False),
        # no word for it
        ("clean up our tmp directory", "<call:file.delete> <key:paths> tmp", True),
        ("clean out our tmp directory", "<call:file.delete> <key:paths> tmp", False),
        ("clean up: remove tmp", "<call:file.delete> <key:paths> tmp", False),
        ("clean up the .o files", "<call:file.find> <key:extension> .o <call:file.delete> <key:paths> <$1>", False),
        ("move a.txt and b.txt away", "<call:file.delete> <key:paths> a.txt <and> b.txt", True),
        ("throw a.txt away", "<call:file.delete> <key:paths> a.txt", False),
        ("move a.txt to b and throw c.txt away", "<call:file.move> <key:paths> a.txt <key:to> b <call:file.delete> <key:paths> c.txt", False),
        # elsewhere
        ("run 'redis-cli ping' in a jobs box", "<call:process.run> <key:command> redis-cli ping", True),
        ("run 'redis-cli ping' in the jobs box", "<call:container.exec> <key:container> jobs <key:command> redis-cli ping", False),
        ("run 'make' in the src folder", "<call:process.run> <key:command> make <key:cwd> src", False),
        # again and again
        ("run 'pytest -q' every monday", "<call:process.run> <key:command> pytest -q", True),
        ("every 2 hours stop web", "<call:container.stop> <key:containers> web", True),
        ("delete tmp each night", "<call:file.delete> <key:paths> tmp", True),
        ("make a folder for every month of the pictures", "<call:idiom.sort_by_month> <key:root> pictures", False),
        ("run 'every day' now", "<call:process.run> <key:command> every day", False),
        ("delete every log", "<call:file.find> <key:extension> log <call:file.delete> <key:paths> <$1>", False),
        # the others, the data, and what is taken back
        ("web must live, stop the rest", "<call:container.stop> <key:containers> web", True),
        ("stop the rest but web", "<call:container.list> <key:exclude> web <call:container.stop> <key:containers> <$1>", False),
        ("find the two newest tarballs, delete the rest", "<call:file.find> <key:limit> two <call:file.delete> <key:paths> <$1>", True),
        ("delete old.log. wait. older.log not old.log", "<call:file.delete> <key:paths> old.log", True),
        ("delete old.log. wait. older.log not old.log", "<call:file.delete> <key:paths> older.log", False),
        ("delete old.log... no scratch that, just print it", "<call:file.delete> <key:paths> old.log", True),
        ("stop job 2, er, job 4", "<call:process.signal> <key:job> 2 <call:process.signal> <key:job> 4", True),
        ("stop job 2, er, job 4", "<call:process.signal> <key:job> 4", False),
        ("stop db, leave web alone", "<call:container.stop> <key:containers> web", True),
        ("stop db, leave web alone", "<call:container.stop> <key:containers> db", False),
        ("could you remove proto? proto-db, please, stays where it is", "<call:container.remove> <key:containers> proto-db", True),
        ("could you remove proto? proto-db, please, stays where it is", "<call:container.remove> <key:containers> proto", False),
        ("delete cache. The folder cached_results is something completely different", "<call:file.delete> <key:paths> cached_results", True),
        ("stop weather, the one called weather-archive he says must carry on", "<call:container.stop> <key:containers> weather-archive", True),
        ("rename a.txt to b.txt; c_d.txt keeps its name", "<call:file.rename> <key:paths> c_d.txt <key:to> b.txt", True),
        ("start server.py, test_server.py isn't needed", "<call:process.run> <key:command> server.py", False),
        ("'my draft' remains, bin 'the draft'", "<call:file.delete> <key:paths> my draft", True),
        ("db should live 48 hours longer, restart it", "<call:container.restart> <key:containers> db", False),
        ("db is not needed any more, remove it", "<call:container.remove> <key:containers> db", False),
        ("remove db without its volumes", "<call:container.remove> <key:containers> db <key:volumes>", True),
        ("remove db with its volumes", "<call:container.remove> <key:containers> db <key:volumes>", False),
        ("remove db, the data stays", "<call:container.remove> <key:containers> db <key:volumes>", True),
        ("bin a.txt, sorry, b.txt", "<call:file.delete> <key:paths> a.txt", True),
        ("bin a.txt \u2013 no wait, b.txt", "<call:file.delete> <key:paths> b.txt", False),
        ("bin a.txt, I mean it", "<call:file.delete> <key:paths> a.txt", False),
        ("bin a.txt, I mean b.txt", "<call:file.delete> <key:paths> a.txt", True),
        ("sorry, bin a.txt, no rush", "<call:file.delete> <key:paths> a.txt", False),
    ],
)  # fmt: skip
def test_what_is_hardly_meant(request_text: str, written: str, hardly: bool) -> None:
    assert hardly_meant(request_text, plan(written), spared(request_text)) is hardly


def test_the_copies_of_a_plan_have_their_keys() -> None:
    written = "<call:file.move> <key:paths> a.txt <and> b.txt <key:to> c d <end>"
    assert list(copies(plan(written))) == [("key:paths", "a.txt"), ("key:paths", "b.txt"), ("key:to", "c d")]
    assert not hardly_meant("", (), spared(""))
