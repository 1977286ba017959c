"""Destructive programs on a real sandbox: undo brings the tree back, redo what was committed, bit for bit."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from casava_os.kernel.ports import Limits
from casava_sandbox.bubblewrap.driver import BubblewrapSandbox
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Ok
from casava_syscalls.values import Exit
from tests.crash.world import FURNISH, exact
from tests.layer.merged import leftovers, made

SCRAMBLE = """python3 - <<'END'
import os, random, shutil
dice = random.Random(7)
for folder, folders, files in os.walk('.', topdown=False):
    if '.git' in folder: continue
    for name in files:
        path = os.path.join(folder, name)
        if os.path.islink(path): continue
        what = dice.randrange(7)
        if what == 0: os.unlink(path)
        elif what == 1: open(path, 'wb').write(os.urandom(dice.randrange(9000)))
        elif what == 2: os.truncate(path, dice.randrange(5000))
        elif what == 3: os.chmod(path, dice.randrange(0o777) | 0o400)
        elif what == 4: os.rename(path, path + '.moved')
        elif what == 5: os.unlink(path); os.mkdir(path); open(os.path.join(path, 'x'), 'w').write('y')
        else: os.utime(path, (1, 1))
    for name in folders:
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path) and dice.randrange(3) == 0:
            shutil.move(path, path + '-away')
END"""

PROGRAMS = [
    "rm -rf d1",
    "rm -rf -- * .[!.]*",
    "find . -type f -not -path './.git/*' -delete",
    "find . -depth -mindepth 1 -not -path './.git*' -delete",
    "find . -name a -exec rm {} +",
    "rm one",
    "rm one two d1/three d2/four",
    "rmdir empty; rm -r closed",
    "sed -i 's/[0-9]/N/' d*/[abc]",
    "sed -i.bak s/a/A/ d1/a d2/b",
    "perl -pi -e 's/deep/shallow/' d*/in/deep/*",
    "for f in d*/a; do echo changed > $f; done",
    "for f in d*/a; do : > $f; done",
    "truncate -s 0 random.bin d1/a d2/b",
    "truncate -s 10M random.bin",
    "truncate -s 100 sparse",
    "dd if=/dev/zero of=random.bin bs=1k count=10 conv=notrunc 2>/dev/null",
    "dd if=random.bin of=sparse bs=1k count=1 seek=2000 conv=notrunc 2>/dev/null",
    "cp random.bin sparse",
    "cp -a d1/. d2/",
    "cp --remove-destination d1/a d2/a; cp -f tool soft",
    "cat d1/a > one",
    "echo appended >> one; echo appended >> d6/c",
    "tee d1/a d2/b d3/c < tool > /dev/null",
    "tar cf all.tar d1 d2; rm -r d1; sed -i s/2/X/ d2/*; tar xf all.tar; rm all.tar d2/a",
    "tar cf - d1 | (cd d2 && tar xf -)",
    "tar cf - d1 d2 --transform s/d1/d9/ | tar xf - --overwrite; tar cf x.tar d3 --remove-files",
    "mv d1 t; mv d2 d1; mv t d2",
    "mv d1/a t; mv d1/b d1/a; mv d1/c d1/b; mv t d1/c",
    "mv d1 d2/in/; mv d2 d3/in/; mv d3 d4/in",
    "mv d* empty/",
    "mv one d1/a; mv tool one",
    "mv d5 D5; mv D5/a D5/A",
    "for d in d*; do mv $d x$d; done",
    "chmod -R 700 d1 d2",
    "chmod -R a-w d3; chmod -R g+s d4; chmod 1777 empty",
    "chmod 4755 tool; chmod 000 secret; chmod 755 .",
    "chmod -R u=rwX,go= .",
    "ln -f d1/a d2/a; ln -f one d3/a",
    "ln d6/a d6/hard; echo through >> d6/hard",
    "ln random.bin again; rm random.bin; ln again random.bin; echo x >> random.bin",
    "rm two; echo other > two",
    "ln -sfn d2 soft; ln -sfn /etc/passwd d3/dangling",
    "rm soft; mkdir soft; echo in > soft/file",
    "rm -r d1; echo file > d1",
    "rm -r d1; ln -s d2 d1",
    "rm tool; mkdir -p tool/a/b/c; touch tool/a/b/c/d",
    "rm -r d6/in; mkdir -p d6/in/deep; echo new > d6/in/deep/a",
    "rm -r d6; mkdir d6; cp -p d5/a d6/a",
    "rm bad*; rm new*; echo z > \"$(printf 'other\\nline')\"",
    "for n in $(seq 60); do mkdir -p deep/$n/x; echo $n > deep/$n/x/f; done; rm -r d1 d2 d3",
    "p=.; for n in $(seq 30); do p=$p/nested; mkdir $p; echo $n > $p/f; done; rm -rf d*",
    "git add -A && git -c user.name=n -c user.email=e commit -qm one && git rm -rq d1 && git -c user.name=n -c user.email=e commit -qm two",
    "git checkout -q -b other; rm -r d2; git clean -fdxq; git reset -q --hard",
    "git stash -qu; git gc -q --prune=now",
    "rm -rf .git",
    "git mv tracked moved; git -c user.name=n -c user.email=e commit -qm moved; git reset -q --hard HEAD~1; git reflog expire --all --expire=now",
    SCRAMBLE,
    "python3 -c \"import shutil; shutil.rmtree('d1'); shutil.copytree('d2', 'd1'); shutil.move('d3', 'd2/d3')\"",
    "python3 -c \"import os; [os.replace(f'd{n}/a', f'd{n}/b') for n in range(1, 7)]\"",
    "python3 -c \"f = open('random.bin', 'r+b'); f.seek(1000); f.write(b'scribble'); f.close()\"",
    "python3 -c \"import mmap; f = open('random.bin', 'r+b'); m = mmap.mmap(f.fileno(), 0); m[5:9] = b'mmap'; m.flush()\"",
    "sort -o d1/a d1/a; sort -r d1/a d2/a d3/a -o d1/a; split -b 20k random.bin part; rm random.bin",
    "gzip d1/* 2>/dev/null; gzip -k tool; gunzip d1/a.gz",
    "awk '{print NR, $0}' d1/a > t && mv t d1/a; printf '' > tool; unlink secret",
    "install -m 600 tool d1/a; install -d -m 711 made/by/install",
    "shuf random.bin -o random.bin; tac d1/a > d1/b; rev d1/c > d1/a",
    "rm -r d1 d2; rm one; mkdir one; mv two one/; mv d3 one/; chmod 500 one",
]


def test_there_are_enough() -> None:
    assert len(set(PROGRAMS)) >= 60


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> BubblewrapSandbox:
    return BubblewrapSandbox(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_undo_and_redo_are_exact(tmp_path: Path, sandbox: BubblewrapSandbox, number: int) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    git = "git init -q . && echo t > tracked && git add tracked && git -c user.name=n -c user.email=e commit -qm first"
    subprocess.run(["sh", "-ec", f"{FURNISH}\n{git}"], cwd=workspace, check=True)
    os.setxattr(workspace / "d1/b", "user.note", b"kept")
    before = exact(workspace)
    store = DiskLayerStore(tmp_path / "state")
    layer = made(store, workspace)

    async def work() -> Exit:
        opened = await sandbox.open(layer.paths, Limits())
        assert isinstance(opened, Ok), opened
        try:
            done = await opened.value.perform(1, {"call": "process.run", "command": PROGRAMS[number]})
        finally:
            await opened.value.close()
        assert isinstance(done, Ok), done
        assert isinstance(done.value, Exit)
        return done.value

    done = asyncio.run(work())
    assert done.code == 0, done
    assert exact(workspace) == before
    changeset = layer.changeset()
    assert not changeset.empty
    landed = layer.commit(changeset)
    assert isinstance(landed, Ok), landed
    layer.discard()
    after = exact(workspace)
    assert after != before
    for _ in range(2):
        undone = store.undo(1)
        assert isinstance(undone, Ok), undone
        assert exact(workspace) == before
        again = store.redo(1)
        assert isinstance(again, Ok), again
        assert exact(workspace) == after
    assert leftovers(workspace) == []
