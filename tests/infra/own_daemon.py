"""A Docker daemon of a test's own, which may be killed and started again while the one that everybody uses goes on."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from docker import APIClient
from docker.errors import DockerException


@dataclass
class OwnDaemon:
    """`dockerd` with its own socket, files, containerd and network namespace: bridges and rules of the other are out of reach."""

    folder: Path
    """Short: a Unix socket's path has at most 107 bytes."""
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def start(self) -> None:
        """Returns when it answers."""
        command = [
            "unshare",
            "--net",
            "dockerd",
            "--host",
            self.address,
            "--data-root",
            f"{self.folder}/data",
        ]
        command += ["--exec-root", f"{self.folder}/exec", "--pidfile", f"{self.folder}/pid"]
        command += ["--iptables=false", "--ip6tables=false", "--storage-driver", "vfs"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        for _ in range(600):
            try:
                client = APIClient(base_url=self.address, version="auto", timeout=10)
            except DockerException:
                assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
                time.sleep(0.1)
            else:
                client.close()
                return
        raise AssertionError((self.folder / "log").read_text()[-3000:])

    def kill(self) -> None:
        """SIGKILL to the daemon alone, as when memory is short. What it runs goes on until it comes back."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        (self.folder / "pid").unlink(missing_ok=True)
        self._forget_containerd()

    def _forget_containerd(self) -> None:
        """Its containerd dies with it; the next daemon must not wait for the dead one, which nobody may have reaped."""
        kept = self.folder / "exec/containerd/containerd.pid"
        with suppress(OSError, ValueError, psutil.Error):
            contained = psutil.Process(int(kept.read_text()))
            for _ in range(100):
                if contained.status() == psutil.STATUS_ZOMBIE:
                    break
                time.sleep(0.1)
            else:
                contained.kill()
        kept.unlink(missing_ok=True)

    def stop(self) -> None:
        """Ends it and what it ran."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._forget_containerd()
        for process in psutil.process_iter(["cmdline"]):  # what kept its containers while it was dead
            if any(str(self.folder) in part for part in process.info["cmdline"] or ()):
                with suppress(psutil.Error):
                    process.kill()
        for mounted in ("data", "exec"):
            subprocess.run(["umount", "-R", "-l", self.folder / mounted], capture_output=True, check=False)
