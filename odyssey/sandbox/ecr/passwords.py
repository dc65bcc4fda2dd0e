"""The registry's passwords, which ECR's GetAuthorizationToken gives out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from odyssey.sandbox.iam.identities import Principal

if TYPE_CHECKING:
    from odyssey.sandbox.store import Store

USER = "AWS"
"""The name that goes with each."""

LIFE = timedelta(hours=12)


@dataclass(frozen=True)
class Password:
    """A password, and what it stands for.

    Args:
        text: The password; it is never shown.
        principal: Who asked for it, and whose permissions count.
        region: Where it was asked for: whose repositories it opens.
        expires: Until when it does.
    """

    text: str = field(repr=False)
    principal: Principal
    region: str
    expires: datetime

    @property
    def has_expired(self) -> bool:
        """Whether it opens nothing any more."""
        return self.expires <= datetime.now(UTC)


class Passwords:
    """The passwords that were given out.

    Args:
        store: Where they are remembered, by their hashes.
    """

    def __init__(self, store: Store) -> None:
        """Nobody has one yet."""
        self._store = store

    def give(self, principal: Principal, region: str, life: timedelta = LIFE) -> Password:
        """Give out a password.

        Args:
            principal: Who asks.
            region: Where.
            life: How long it is good.
        """
        name, secret = secrets.token_hex(8), secrets.token_urlsafe(48)
        expires = datetime.now(UTC) + life
        with self._store.lock:
            table = self._store.table("ecr_passwords")
            # For a while, whoever comes too late is told so.
            long_ago = datetime.now(UTC) - LIFE
            for key in [key for key, told in table.items() if told["expires"] < long_ago]:
                del table[key]
            table["", name] = {
                "hash": _hash(secret),
                "principal": asdict(principal),
                "region": region,
                "expires": expires,
            }
        return Password(f"{name}.{secret}", principal, region, expires)

    def find(self, text: str) -> Password | None:
        """Return what a password stands for, be it expired or not; None for what is none."""
        name, _, secret = text.partition(".")
        with self._store.lock:
            told = self._store.table("ecr_passwords").get(("", name))
        if told is None or not hmac.compare_digest(told["hash"], _hash(secret)):
            return None
        return Password(text, Principal(**told["principal"]), told["region"], told["expires"])


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
