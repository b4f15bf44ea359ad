"""How often one visitor may ask: token buckets in memory, so that nobody takes every place.

A visitor is known by a keyed hash of the address, whose key is drawn when the server starts: no
address is stored or logged, and none can be found from what is in memory without trying them all.
The limits are meant for laboratories and lecture halls, where many people share one address.
Requests from the server's own machine are not limited: they are the researcher's, or those of a
proxy of which the server has not been told.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger("mien")


@dataclass(frozen=True)
class Limit:
    """At most `burst` requests at once, and `per_s` a second in the long run."""

    burst: int
    per_s: float


STARTS = Limit(burst=100, per_s=1)  # a lecture hall that begins together; a place is held for long
CALLS = Limit(burst=600, per_s=60)  # 30 people who answer twice a second
FILES = Limit(burst=12_000, per_s=200)  # 30 people who load 400 stimuli each
MOST_VISITORS = 50_000  # in memory; who has not asked for longest is forgotten


class Buckets:
    """One bucket for each visitor: every request takes a token, time puts them back."""

    def __init__(self, limit: Limit, clock: Callable[[], float] = time.monotonic) -> None:
        """All buckets are full; `clock` gives seconds."""
        self.limit, self.clock = limit, clock
        self.left: dict[bytes, tuple[float, float]] = {}  # tokens, and when that was

    def take(self, visitor: bytes) -> float:
        """Take a token: 0.0 if there was one, else the seconds until there is."""
        now = self.clock()
        tokens, since = self.left.pop(visitor, (float(self.limit.burst), now))
        tokens = min(tokens + (now - since) * self.limit.per_s, self.limit.burst)
        enough = tokens >= 1
        self.left[visitor] = (tokens - enough, now)
        if len(self.left) > MOST_VISITORS:
            del self.left[next(iter(self.left))]
        return 0.0 if enough else (1 - tokens) / self.limit.per_s

    def forget(self, visitor: bytes) -> None:
        """Fill the bucket again."""
        self.left.pop(visitor, None)


class Visitors:
    """Who asks, as a keyed hash that means nothing once the server has stopped."""

    def __init__(self, behind_proxy: bool = False) -> None:
        """`behind_proxy`: believe the last address that X-Forwarded-For names."""
        self.behind_proxy, self.key = behind_proxy, secrets.token_bytes(32)
        self.warned = False

    def of(self, scope: Scope) -> bytes | None:
        """The visitor of a request; None: somebody on this machine."""
        peer, otherwise = (scope.get("client") or ("",))[0], None
        named = Headers(scope=scope).getlist("x-forwarded-for")
        if named and not self.behind_proxy:
            self._warn()
        elif named:
            # each proxy appends whom it saw: all but the last can be made up by the visitor
            peer, otherwise = named[-1].rpartition(",")[2].strip(), b"not named"
        network = _network(peer, otherwise)
        if network is None:
            return None
        return hashlib.blake2b(network, key=self.key, digest_size=16).digest()

    def _warn(self) -> None:
        if not self.warned:
            self.warned = True
            log.warning(
                "a proxy stands in front of this server: with --behind-proxy the limits hold for "
                "each visitor, without it for all of them together"
            )


class Limits:
    """ASGI middleware: who asks too often gets 429, and is told when to try again."""

    def __init__(
        self, app: ASGIApp, visitors: Visitors, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Stand in front of `app`."""
        self.app, self.visitors = app, visitors
        self.starts, self.calls, self.files = (
            Buckets(limit, clock) for limit in (STARTS, CALLS, FILES)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        buckets = self._buckets(scope)
        visitor = None if buckets is None else self.visitors.of(scope)
        wait = buckets.take(visitor) if buckets is not None and visitor is not None else 0.0
        if wait == 0:
            await self.app(scope, receive, send)
            return
        refusal = JSONResponse(
            {"reason": "too-many-requests"}, 429, {"Retry-After": str(math.ceil(wait))}
        )
        await refusal(scope, receive, send)

    def _buckets(self, scope: Scope) -> Buckets | None:
        if scope["type"] != "http" or scope["path"] == "/api/health":
            return None
        if scope["path"] == "/api/start":
            return self.starts
        called = scope["path"].startswith(("/api/", "/admin"))
        return self.calls if called else self.files


def _network(peer: str, otherwise: bytes | None) -> bytes | None:
    """What counts as one visitor: an IPv4 address, 64 bits of IPv6; None: this machine.

    `otherwise`: for what is no address.
    """
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return otherwise
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback:
        return None
    return address.packed[:8]  # all of an IPv4 address; a household's network of IPv6
