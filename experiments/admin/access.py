"""Who may see the admin page: whoever has the study's token, for half a day.

The token's SHA-256 stands in the store's table `about`, not in a file of its own: so it moves with
the sessions that it guards, also to another database, there are no rights of a file to get wrong,
and `mien study token` changes it while the server runs. A token has 192 random bits: nobody finds
it from the hash in a back-up. Who has signed in is kept in memory, as a hash too; a restart, or a
new token, signs everybody out.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from experiments.limits import Buckets, Limit
from experiments.store import ABOUT, Store, hash_token, note_about

TOKEN = "admin-token"  # key in `about`
SESSION_S = 12 * 3600.0
TRIES = Limit(burst=5, per_s=1 / 30)  # of signing in, for each visitor
MOST_SESSIONS = 100
HERE = b"this machine"  # a visitor too, where signing in is concerned


class WrongToken(Exception):
    """A token that is not the study's."""


class TooManyTries(Exception):
    """Somebody guesses. Attribute `wait`: seconds until the next try."""

    def __init__(self, wait: float) -> None:
        """Refuse for `wait` seconds."""
        super().__init__(wait)
        self.wait = wait


@dataclass(frozen=True)
class SignedIn:
    """Somebody who has signed in.

    Attributes:
        form: word that every form of theirs carries, so that no other site can send one.
        until: seconds since 1970.
        token: hash of the token that opened it.
    """

    form: str
    until: float
    token: str


def new_token(store: Store) -> str:
    """A new token in place of any other; it is stored as a hash only, and cannot be shown again."""
    token = secrets.token_urlsafe(24)
    with store.write() as db:
        note_about(db, TOKEN, hash_token(token))
    return token


def token_hash(store: Store) -> str | None:
    """SHA-256 of the study's token; None: it has none yet."""
    with store.read() as db:
        return db.scalar(sa.select(ABOUT.c.value).where(ABOUT.c.key == TOKEN))


class Access:
    """The door of one study's admin page."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self.store, self.clock = store, clock
        self.tries = Buckets(TRIES, clock)
        self.signed_in: dict[str, SignedIn] = {}  # hash of the cookie -> who

    def sign_in(self, visitor: bytes | None, token: str) -> str:
        """The cookie for somebody who knows the token.

        Raises:
            TooManyTries: this visitor was wrong too often.
            WrongToken: this is not the token.
        """
        visitor = visitor or HERE
        wait = self.tries.take(visitor)
        if wait:
            raise TooManyTries(wait)
        known = token_hash(self.store)
        if known is None or not hmac.compare_digest(hash_token(token.strip()), known):
            raise WrongToken
        self.tries.forget(visitor)
        self._tidy()
        cookie = secrets.token_urlsafe(24)
        self.signed_in[hash_token(cookie)] = SignedIn(
            secrets.token_urlsafe(24), self.clock() + SESSION_S, known
        )
        return cookie

    def who(self, cookie: str | None) -> SignedIn | None:
        """Whom a cookie belongs to; None: sign in again."""
        found = self.signed_in.get(hash_token(cookie)) if cookie else None
        if found is None or found.until < self.clock() or found.token != token_hash(self.store):
            return None
        return found

    def sign_out(self, cookie: str | None) -> None:
        """The cookie opens nothing any more."""
        self.signed_in.pop(hash_token(cookie or ""), None)

    def _tidy(self) -> None:
        now = self.clock()
        self.signed_in = {k: who for k, who in self.signed_in.items() if who.until >= now}
        while len(self.signed_in) >= MOST_SESSIONS:
            del self.signed_in[next(iter(self.signed_in))]
