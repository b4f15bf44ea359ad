"""Every answer of the server carries strict headers; a body that is too large is refused.

A fault of the server is answered too, and logged by its place in our code. What the error says is
not: it may hold what a participant typed.
"""

from __future__ import annotations

import logging
import traceback

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from experiments.refusals import Refusals

LOG = logging.getLogger("mien")
LARGEST_BODY = 256 * 1024  # bytes
DIGITS = len(str(LARGEST_BODY))
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; "
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
FOR_EVER = "public, max-age=31536000, immutable"  # a medium's name is its content


class Guard:
    """ASGI middleware around the whole server."""

    def __init__(
        self, app: ASGIApp, framed_by: tuple[str, ...] = (), submits_to: tuple[str, ...] = ()
    ) -> None:
        """Stand in front of `app`.

        Args:
            app: the server.
            framed_by: other sites that may show the study in a frame.
            submits_to: other sites that its forms may be sent to.
        """
        self.app, self.refusals = app, Refusals()
        ancestors, forms = (" ".join(sites) or "'none'" for sites in (framed_by, submits_to))
        policy = f"{POLICY}form-action {forms}; frame-ancestors {ancestors}"
        self.headers = HEADERS | {"Content-Security-Policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self.refusals.note(message["status"], scope["path"])
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)  # the admin page has a policy of its own
                found = message["status"] in (200, 206, 304)
                media = scope["path"].startswith("/media/") and found
                headers.setdefault("Cache-Control", FOR_EVER if media else "no-cache")
            await send(message)

        if scope["method"] == "POST" and not _small(Headers(scope=scope)):
            refusal = JSONResponse({"reason": "too-large", "most": LARGEST_BODY}, 413)
            await refusal(scope, receive, send_with_headers)
            return
        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            if begun:
                raise  # half an answer is sent: the connection breaks off
            place = "".join(traceback.format_tb(error.__traceback__)).rstrip()
            LOG.error("server error: %s\n%s", type(error).__name__, place)
            failure = JSONResponse({"reason": "server-error"}, 500)
            await failure(scope, receive, send_with_headers)


def _small(headers: Headers) -> bool:
    """Whether the request says that its body is small; one that says nothing is refused too.

    Beside a transfer encoding a length means nothing (RFC 9112, 6.3).
    """
    if "transfer-encoding" in headers:
        return False
    length = headers.get("content-length", "")
    plain = length.isascii() and length.isdigit() and len(length) <= DIGITS
    return plain and int(length) <= LARGEST_BODY
