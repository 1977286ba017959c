"""Who may come in. In front of every route, so that no page of another origin and no other person opens a shell.

A browser sends requests to loopback for any page that asks it to, and any name can be made to point there. So a request
must name this server as its host, must not come from another origin, and must carry the session's cookie. The cookie is
given in exchange for the token in the link, once: who reads the link later finds it dead.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from casava_os.shell.serve import peers
from casava_os.shell.serve.pages import page

HOST = "127.0.0.1"
TOKEN = "token"  # noqa: S105 - its name in the link
SOCKET = "/ws"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    # xterm.js makes style elements of its own; it needs nothing else that is not a file of this server.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer. A token must not travel on in a Referer, and no page may frame this one."""


class Gate:
    """The token, the session it is exchanged for, and the questions asked of every request."""

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(32)
        """For the link. Only its digest decides, and only once."""
        self.cookie = f"casava-os-{port}"
        self._token: bytes | None = _digest(self.token)
        self._session: bytes | None = None
        names = (HOST, "localhost")
        self._hosts = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())

    @property
    def used(self) -> bool:
        """Whether the link was opened."""
        return self._token is None

    async def headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Puts the security headers on an answer that is about to be sent."""
        response.headers.update(HEADERS)
        response.headers.popall("Server", None)

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Lets a request through, exchanges the token, or says why neither."""
        refused = self._refusal(request)
        if refused is not None:
            return refused
        if request.path == "/" and TOKEN in request.query:
            return self._exchange(request)
        if not self._known(request):
            return _no(
                "This shell needs its link",
                "The browser has no session with it, or lost it.",
                "Open the link that casava-os serve printed. It works once: for another one, end casava-os serve with "
                "Ctrl-C and start it again.",
            )
        return await handler(request)

    def _refusal(self, request: web.Request) -> web.Response | None:
        """Why this request may not even be asked for a token."""
        if len(hosts := request.headers.getall("Host", [])) != 1 or hosts[0].lower() not in self._hosts:
            return _no(
                "This is not the address of the shell",
                "The browser asked for another host than this one, as a page does that was made to point here.",
                "Open the link as casava-os serve printed it. Through a tunnel, use the same port on both sides.",
            )
        origins = request.headers.getall("Origin", [])
        if origins != [f"http://{hosts[0].lower()}"] and (origins or request.path == SOCKET):
            return _no(
                "Another page asked for the shell",
                "Only the shell's own page may talk to it.",
                "If you did not expect this, close the page that you came from.",
            )
        site = request.headers.get("Sec-Fetch-Site", "none")
        opened = request.path == "/" and request.headers.get("Sec-Fetch-Dest", "document") == "document"
        if site not in {"same-origin", "none"} and not opened:
            return _no(
                "Another page asked for a part of the shell",
                "Only the shell's own page may use its files.",
                "If you did not expect this, close the page that you came from.",
            )
        ends = [request.get_extra_info(end) for end in ("peername", "sockname")]
        if not peers.is_ours(*ends):
            return _no(
                "This shell belongs to somebody else",
                "It was opened by another person on this machine.",
                "Start your own with casava-os serve.",
            )
        return None

    def _exchange(self, request: web.Request) -> web.Response:
        """A session for the token; it is dead from then on, also for who comes at the same time."""
        given = _digest(request.query[TOKEN])
        if self._token is None or not hmac.compare_digest(given, self._token):
            if self._known(request):
                return page("enter.html")
            dead = "It was opened before." if self._token is None else "It is not the one that was printed."
            return _no(
                "This link does not work" if self._token is not None else "This link was used",
                dead,
                "Go back to the browser where it was opened, or end casava-os serve with Ctrl-C and start it again for a "
                "new one.",
            )
        self._token = None
        session = secrets.token_urlsafe(32)
        self._session = _digest(session)
        # No redirect: what follows from a link on another site would be sent without a SameSite=Strict cookie.
        response = page("enter.html")
        response.set_cookie(self.cookie, session, path="/", httponly=True, samesite="Strict")
        return response

    def _known(self, request: web.Request) -> bool:
        given = request.cookies.get(self.cookie)
        return (
            given is not None
            and self._session is not None
            and hmac.compare_digest(_digest(given), self._session)
        )


def _digest(secret: str) -> bytes:
    """Compared in place of the secret: of one length, whatever was sent."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def _no(title: str, message: str, hint: str) -> web.Response:
    return page("sorry.html", status=403, title=title, message=message, hint=hint)
