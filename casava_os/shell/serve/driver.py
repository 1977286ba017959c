"""How the shell draws in a tab: Textual's driver for browsers, which goes when the other end of its pipe is gone."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import BinaryIO, Literal, TextIO

from textual.drivers.web_driver import WebDriver


class TabDriver(WebDriver):
    """Draws into a pipe. A server that was killed, too, ends what it started: its end of the pipe closes."""

    _gone = False

    def _send(self, data: bytes) -> None:
        while data and not self._gone:
            try:
                data = data[os.write(self.fileno, data) :]
            except BrokenPipeError:
                self._gone = True  # nobody looks any more; the end of the input says the rest

    def write(self, data: str) -> None:
        """Sends what is to be drawn."""
        payload = data.encode("utf-8", "replace")
        self._send(b"D%s%s" % (len(payload).to_bytes(4, "big"), payload))

    def stop_application_mode(self) -> None:
        """Ends quietly, also where nobody looks."""
        try:
            super().stop_application_mode()
        except BrokenPipeError:
            self._gone = True

    def run_input_thread(self) -> None:
        """Reads keys until the shell ends; when the keys end first, the tab was closed."""
        super().run_input_thread()
        if not self.exit_event.is_set():
            _go()

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Takes orders of the server. To go means to hold what waits, as when a terminal is closed."""
        if packet_type == "quit":
            _go()
        elif packet_type in {"resize", "focus", "blur", "exit"}:
            super().on_meta(packet_type, payload)

    def open_url(self, url: str, new_tab: bool = True) -> None:
        """Opens nothing: what stands in a program's output must not steer the browser."""

    def _deliver_file(
        self,
        binary: BinaryIO | TextIO,
        *,
        delivery_key: str,
        save_path: Path,  # noqa: ARG002 - as the driver declares it
        open_method: Literal["browser", "download"],  # noqa: ARG002
        encoding: str | None = None,  # noqa: ARG002
        mime_type: str | None = None,  # noqa: ARG002
        name: str | None = None,
    ) -> None:
        """Delivers nothing: there is no way for files but the workspace."""
        binary.close()
        self._delivery_failed(
            delivery_key, exception=PermissionError("the shell in a browser delivers no files"), name=name
        )


def _go() -> None:
    """The shell's own signal handler knows how to leave when nobody can be asked."""
    os.kill(os.getpid(), signal.SIGTERM)
