"""A workspace with something of every kind, a layer that changes all of it, and an exact description of a tree."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from casava_os.kernel.ports import Changeset, Layer
from casava_sandbox.layer.store import DiskLayerStore
from casava_syscalls.results import Ok
from tests.layer.merged import made, shell

Exact = dict[str, tuple[object, ...]]

FURNISH = """
umask 022
for n in 1 2 3 4 5 6; do mkdir -p d$n/in/deep; for f in a b c; do echo "$n $f" > d$n/$f; echo "$n $f deep" > d$n/in/deep/$f; done; done
mkdir empty closed; chmod 700 closed; echo c > closed/c
head -c 200000 /dev/urandom > random.bin
truncate -s 3M sparse; printf end >> sparse
echo linked > one; ln one two; ln one d1/three; ln one d2/four
ln -s one soft; ln -s /nowhere/else d3/dangling
echo tool > tool; chmod 755 tool; echo secret > secret; chmod 600 secret; chmod 2775 d4
printf 'x\\n' > "$(printf 'new\\nline')"; printf y > "$(printf 'bad\\377byte')"
"""
CHANGE = """
umask 027
echo changed > d1/a; sed -i s/2/two/ d2/b; rm -rf d3; mv d4 moved; rm -r d5/in; mkdir -p d5/in; echo new > d5/in/new
chmod 711 d6; chmod 640 secret; rm empty/x 2>/dev/null || rmdir empty; mkdir -p fresh/er; echo f > fresh/er/f; ln fresh/er/f fresh/g
rm two; rm d2/four; echo more >> random.bin; rm sparse; truncate -s 2M hollow; printf z >> hollow
ln -sfn tool soft; rm tool; mkdir tool; echo in > tool/in; rm -r closed; echo was > closed; ln random.bin random.too
rm -f bad*; mv new* renamed; mkdir void
"""


def exact(root: Path) -> Exact:
    """Everything that can be told of a tree but inode numbers and ctimes; names of one file are told by each other."""
    found: Exact = {}
    names: dict[tuple[int, int], list[str]] = defaultdict(list)
    for path in [root, *root.rglob("*")]:
        status = os.lstat(path)
        text: object = ""
        sparse = False
        if stat.S_ISLNK(status.st_mode):
            text = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            text = hashlib.sha256(path.read_bytes()).hexdigest()
            names[status.st_dev, status.st_ino].append(str(path.relative_to(root)))
            sparse = status.st_size > 2**20 and status.st_blocks * 512 < status.st_size // 2
        attributes = (
            ()
            if stat.S_ISLNK(status.st_mode)
            else tuple((n, os.getxattr(path, n)) for n in os.listxattr(path))
        )
        found[str(path.relative_to(root))] = (
            status.st_mode,
            status.st_uid,
            status.st_gid,
            status.st_mtime_ns,
            text,
            sparse,
            attributes,
        )
    for group in names.values():
        for name in group:
            found[name] = (*found[name], tuple(sorted(group)))
    return found


@dataclass
class World:
    """A state directory, a workspace, and a layer that waits to be landed."""

    state: Path
    workspace: Path
    layer: Layer
    changeset: Changeset
    old: Exact
    new: Exact

    @classmethod
    def make(cls, state: Path, workspace: Path) -> World:
        """Furnishes a workspace, changes it in a layer, and lands and takes that back once, for reference."""
        workspace.mkdir(parents=True)
        subprocess.run(["sh", "-ec", FURNISH], cwd=workspace, check=True)
        os.setxattr(workspace / "d1/b", "user.note", b"kept")
        os.setxattr(workspace / "d3", "user.note", b"of a directory")
        for number, path in enumerate(sorted(workspace.rglob("*"), reverse=True)):
            past = 1_500_000_000_000_000_000 + number * 1_234_567_891
            os.utime(path, ns=(past, past), follow_symlinks=False)
        layer = made(DiskLayerStore(state), workspace)
        shell(layer.paths, CHANGE)
        world = cls(state, workspace, layer, layer.changeset(), exact(workspace), {})
        assert isinstance(landed := layer.commit(world.changeset), Ok), landed
        world.new = exact(workspace)
        assert isinstance(undone := world.store.undo(1), Ok), undone
        assert exact(workspace) == world.old
        return world

    @property
    def store(self) -> DiskLayerStore:
        return DiskLayerStore(self.state)

    def arm(self) -> None:
        """As if nothing had been landed yet, over the workspace as it is."""
        shutil.rmtree(self.state / "undo")
        facts = self.state / "layers/1/layer.json"
        known = json.loads(facts.read_text())
        time.sleep(0.02)  # the coarse clock that stamps files moves on
        known |= {"created_ns": time.time_ns(), "running_ns": time.clock_gettime_ns(time.CLOCK_BOOTTIME)}
        facts.write_text(json.dumps(known))
        for name in ("first-seen.json", "rolled-back.json"):
            (self.state / "layers/1" / name).unlink(missing_ok=True)
        self.layer = self.opened()
        self.changeset = self.layer.changeset()

    def opened(self) -> Layer:
        """The layer, as another program finds it."""
        found = self.store.open(1)
        assert isinstance(found, Ok), found
        return found.value

    def act(self, purpose: str) -> object:
        """Lands, takes back or lands again, by a program that knows nothing but what is on disk."""
        if purpose == "commit":
            return self.opened().commit(self.changeset)
        return self.store.undo(1) if purpose == "undo" else self.store.redo(1)

    def stands(self, purpose: str) -> tuple[Exact, Exact]:
        """The tree before and after."""
        return (self.new, self.old) if purpose == "undo" else (self.old, self.new)

    def leftovers(self) -> list[str]:
        """What of ours should not have stayed."""
        found = [str(p) for p in self.workspace.rglob(".casava-os*")]
        undo = self.state / "undo"
        found += [str(p) for folder in ("intents", "objects/adding") for p in (undo / folder).glob("*[!w]")]
        return found + [str(p) for p in undo.glob("*/moving")] + [str(p) for p in undo.glob("*/next.json")]
