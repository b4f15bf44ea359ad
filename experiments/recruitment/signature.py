"""Signed links: a JSON Web Token in the address says who comes, until when, and for which study.

Prolific signs with RS256; its public keys stand at `/.well-known/study/jwks.json` and are recorded
in the study (`mien recruit keys`), so that the server checks a signature without asking anybody.
mien signs links of its own with HS256 and a secret of the study (`mien recruit links`). Each scheme
accepts its own algorithm only.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt

from experiments.errors import Refused, StudyError
from experiments.recruitment.ids import CLOCKS_DIFFER
from protocols.protocol import Protocol
from protocols.recruitment import HERE
from protocols.study import Study
from protocols.tables import write_whole

KEYS = "/.well-known/study/jwks.json"
TIMEOUT = 30.0  # seconds
ISSUER = "https://www.prolific.com"
SECRET_BYTES = 32


@dataclass(frozen=True)
class Signed:
    """What a valid token says."""

    participant: str
    expires: float  # seconds since 1970
    study: str | None = None
    submission: str | None = None


class ProlificKeys:
    """Prolific's public keys, as recorded; read again whenever the file changes."""

    def __init__(self, file: Path) -> None:
        """`file`: a JSON Web Key Set."""
        self.file = file
        self._read_at: int | None = None
        self._keys: dict[str, Any] = {}
        self.of("")  # a file that cannot be used is an error now, not when people come

    def of(self, kid: str) -> Any:
        """The key called `kid`, or None."""
        try:
            changed = self.file.stat().st_mtime_ns
            if changed != self._read_at:
                self._keys = _rsa_keys(json.loads(self.file.read_text()))
                self._read_at = changed
        except (OSError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError):
            if not self._keys:  # a running server goes on with the keys that it knows
                raise StudyError(
                    f"{self.file}: no keys of Prolific to check signed links with; "
                    f"run mien recruit keys {self.file.parents[1]}"
                ) from None
        return self._keys.get(kid)


def reader_of_links(
    study: Study, protocol: Protocol, clock: Callable[[], float]
) -> Callable[[str], Signed]:
    """The function that reads a token of the study, by the scheme that its protocol names.

    Raises:
        StudyError: no key is recorded.
    """
    if protocol.recruitment.signed == "links":
        secret = study_secret(study)
        return lambda token: read_own(token, protocol.name, secret, clock())
    keys, address = ProlificKeys(prolific_keys_file(study)), protocol.recruitment.address or ""
    return lambda token: read_prolific(token, address, keys, clock())


def record_keys(study: Study, api: str) -> Path:
    """Fetch Prolific's public keys into the study; returns the file. They need no token.

    Raises:
        ProtocolError: the folder is no study.
        StudyError: its links are not signed by Prolific, or Prolific cannot be reached, or answers
            with no key.
    """
    found = study.protocol().recruitment.signed
    if found != "prolific":
        raise StudyError(
            f"{study.protocol_file}: recruitment.signed: found {found}; accepted: prolific, for "
            "a study whose links Prolific signs; no other one needs its keys"
        )
    if urlsplit(api).scheme != "https" and urlsplit(api).hostname not in HERE:
        raise StudyError(f"{api}: keys are fetched over https only")
    try:
        answer = httpx.get(f"{api.rstrip('/')}{KEYS}", timeout=TIMEOUT).raise_for_status()
        content = answer.json()
        _rsa_keys(content)
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as e:
        raise StudyError(f"{api}{KEYS}: no keys ({type(e).__name__}); try again later") from None
    file = prolific_keys_file(study)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, (json.dumps(content, indent=2) + "\n").encode())
    return file


def prolific_keys_file(study: Study) -> Path:
    """Where Prolific's keys are recorded."""
    return study.folder / "recruitment" / "prolific-keys.json"


def secret_file(study: Study) -> Path:
    """Where the secret for mien's own links stands."""
    return study.folder / "recruitment" / "links.secret"


def study_secret(study: Study, make: bool = False) -> bytes:
    """The secret of the study's own links, made once if asked for; for its owner only."""
    file = secret_file(study)
    if not file.is_file():
        if not make:
            raise StudyError(f"{file}: no secret for signed links; run mien recruit links first")
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_hex(SECRET_BYTES))
    try:
        secret = bytes.fromhex(file.read_text().strip())
    except ValueError:
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise StudyError(f"{file}: not a secret of mien's; delete it, then make the links anew")
    return secret


def sign_link(participant: str, study: str, secret: bytes, expires: float) -> str:
    """The token of one participant for the study called `study`, good until `expires`."""
    claims = {"sub": participant, "aud": study, "exp": int(expires), "jti": secrets.token_hex(8)}
    return jwt.encode(claims, secret, algorithm="HS256")


def read_own(token: str, study: str, secret: bytes, now: float) -> Signed:
    """What a link of mien's own says; raises Refused if it is forged or has expired."""
    claims = _decoded(token, secret, "HS256", ("sub", "aud", "exp"))
    _refuse_expired(claims, now)
    if claims["aud"] != study:
        raise Refused(403, "forged-link")
    return Signed(str(claims["sub"]), float(claims["exp"]))


def read_prolific(token: str, address: str, keys: ProlificKeys, now: float) -> Signed:
    """What Prolific's token says; raises Refused if it is forged, expired or of another study.

    Checked: the signature by the key that the token names, `exp`, `iss`, `aud` (the study's address
    or the host it stands on), that `sub` is the submission, and the ids under `prolific`.
    """
    try:
        key = keys.of(str(jwt.get_unverified_header(token).get("kid")))
    except jwt.PyJWTError:
        key = None
    if key is None:
        raise Refused(403, "forged-link")
    claims = _decoded(token, key, "RS256", ("sub", "aud", "iss", "exp", "prolific"))
    _refuse_expired(claims, now)
    ids = claims["prolific"]
    names = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")
    if not isinstance(ids, dict) or not all(isinstance(ids.get(name), str) for name in names):
        raise Refused(403, "forged-link")
    if claims["iss"] != ISSUER or claims["sub"] != ids["SESSION_ID"]:
        raise Refused(403, "forged-link")
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if not any(_names(audience, address) for audience in audiences):
        raise Refused(403, "forged-link")
    return Signed(ids["PROLIFIC_PID"], float(claims["exp"]), ids["STUDY_ID"], ids["SESSION_ID"])


def _decoded(token: str, key: Any, algorithm: str, needed: tuple[str, ...]) -> dict[str, Any]:
    ours = {"verify_exp": False, "verify_aud": False, "verify_nbf": False, "verify_iat": False}
    try:
        return jwt.decode(
            token, key, algorithms=[algorithm], options={"require": list(needed), **ours}
        )
    except jwt.PyJWTError:
        raise Refused(403, "forged-link") from None


def _refuse_expired(claims: dict[str, Any], now: float) -> None:
    """By the server's own clock, which tests can set."""
    expires = claims["exp"]
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise Refused(403, "forged-link")
    if now > expires + CLOCKS_DIFFER:
        raise Refused(403, "expired-link")


def _names(audience: Any, address: str) -> bool:
    """Whether an audience is the study's address, without parameters, or the host it stands on."""
    if not isinstance(audience, str):
        return False
    named, ours = urlsplit(audience if "://" in audience else f"//{audience}"), urlsplit(address)
    return (
        named.scheme in ("", ours.scheme)
        and named.netloc.lower() == ours.netloc.lower()
        and named.path.rstrip("/") in ("", ours.path.rstrip("/"))
    )


def _rsa_keys(content: dict[str, Any]) -> dict[str, Any]:
    """Kid -> key, of every RS256 key for signatures."""
    keys = {
        one["kid"]: jwt.PyJWK(one, algorithm="RS256").key
        for one in content["keys"]
        if one.get("kty") == "RSA" and one.get("alg", "RS256") == "RS256"
        and one.get("use", "sig") == "sig"
    }  # fmt: skip
    if not keys:
        raise ValueError("no key")
    return keys
