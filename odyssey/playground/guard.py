"""Who may ask: the page itself, and no other page that the same browser shows.

A page of any site can make a browser send requests to 127.0.0.1, and a name that it owns can lead
there. So the Host must be ours, what is sent must come from our own origin, and must carry a token
that only our own page can read.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

TOKEN = "X-Playground-Token"  # noqa: S105 - the name of a header
OWN = ("same-origin", "none")
"""Where a browser says that a request comes from, when it is our page or the address bar."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer says to the browser."""


class Guard:
    """Decides who is let in.

    Args:
        port: The port of the page.
    """

    def __init__(self, port: int) -> None:
        """Make a token, which is good until this process ends."""
        self.token = secrets.token_urlsafe(32)
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._port = port

    def refusal(self, request: Request) -> str:
        """Return why a request is refused; "" where it is not."""
        host = request.environ.get("HTTP_HOST", "")
        if host not in self._hosts:
            return f"this page answers at http://127.0.0.1:{self._port} only"
        if request.method in ("GET", "HEAD") and request.path == "/":
            return ""  # It may be reached by a link.
        if request.headers.get("Sec-Fetch-Site", "none") not in OWN:
            return "another site may not ask this"
        if request.headers.get("Origin", f"http://{host}") != f"http://{host}":
            return "another origin may not ask this"
        if request.method in ("GET", "HEAD"):
            return ""
        token = request.headers.get(TOKEN, "").encode()
        if not hmac.compare_digest(token, self.token.encode()):
            return "the token is missing, or that of another run: load the page again"
        return ""
