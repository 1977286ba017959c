"""A connection that can be let go: what blocks on the daemon in a thread ends when somebody else cuts its sockets.

The SDK blocks in `recv`; a thread cannot be cancelled. Shutting a socket down from outside wakes whoever reads from it, and
an error rises there, as when the daemon goes.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from casava_os.containers.daemon import PATIENCE, connect
from casava_syscalls.results import Err, Ok, Result

if TYPE_CHECKING:
    from docker import APIClient


class Reins:
    """Holds one client and every socket that it opens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._api: APIClient | None = None
        self.cut_off = False
        """Whether somebody cut it: what fails from then on fails because of that."""

    def take(self, *, timeout: int = PATIENCE) -> Result[APIClient]:
        """A client on these reins. `Err` as in `connect`."""
        found = connect(timeout=timeout)
        if isinstance(found, Err):
            return found
        api = found.value
        adapter = api.get_adapter(api.base_url)
        api.mount("http+docker://", _held_adapter(adapter, self._hold))
        self._api = api
        if self.cut_off:
            self.close()
            return Err(code="interrupted", title="Interrupted", message="the process was stopped")
        return Ok(value=api)

    def _hold(self, opened: socket.socket) -> None:
        with self._lock:
            self._sockets = [one for one in self._sockets if one.fileno() >= 0]
            self._sockets.append(opened)
            if self.cut_off:
                _shut(opened)

    def patience(self, seconds: float) -> None:
        """How long one read may take from now on, also on a connection that is open."""
        with self._lock:
            for one in self._sockets:
                with suppress(OSError):
                    one.settimeout(seconds)

    def cut(self) -> None:
        """Ends whatever waits on the daemon here. From any thread."""
        with self._lock:
            self.cut_off = True
            for one in self._sockets:
                _shut(one)

    def close(self) -> None:
        """Closes the client. Safe to call twice."""
        api, self._api = self._api, None
        if api is not None:
            api.close()


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def _held_adapter(adapter: Any, hold: Any) -> Any:  # noqa: ANN401 - the SDK's transport has no types
    """The SDK's own adapter, whose pools tell of each socket that they open."""
    from docker.transport import UnixHTTPAdapter

    class Held(UnixHTTPAdapter):
        def get_connection(self, url: Any, proxies: Any = None) -> Any:  # noqa: ANN401
            pool: Any = super().get_connection(url, proxies)
            if "_new_conn" not in vars(pool):
                pool._new_conn = _telling(pool._new_conn)  # noqa: SLF001 - urllib3's place for another connection
            return pool

    def _telling(make: Any) -> Any:  # noqa: ANN401
        def new() -> Any:  # noqa: ANN401
            connection = make()
            plain = connection.connect

            def connect_and_tell() -> None:
                plain()
                hold(connection.sock)

            connection.connect = connect_and_tell
            return connection

        return new

    return Held(f"http+unix://{adapter.socket_path}", adapter.timeout)
