"""Who is who: the access key of a request leads to a principal."""

from __future__ import annotations

import re
import secrets
import string
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odyssey.aws import Keys
from odyssey.sandbox.calls import ACCOUNT, ServiceError

if TYPE_CHECKING:
    from odyssey.sandbox.store import Store

REAL = re.compile(r"(AKIA|ASIA)[A-Z2-7]{16}")
"""What access keys of AWS's look like."""


@dataclass(frozen=True)
class Principal:
    """Who asks.

    Args:
        arn: Its ARN, such as ``arn:aws:sts::123456789012:assumed-role/deployer/session``.
        role: The ARN of the role, where it is a session of one.
        user: The name of the user, where it is one.
        access_key: The access key's id.
    """

    arn: str
    role: str | None = None
    user: str | None = None
    access_key: str = "sandbox"

    @property
    def is_root(self) -> bool:
        """Whether it is the account itself, which may do everything."""
        return self.role is None and self.user is None


ROOT = Principal(f"arn:aws:iam::{ACCOUNT}:root")


class Identities:
    """Access keys and their principals.

    Args:
        store: Where the sessions are kept that the sandbox made itself.
    """

    def __init__(self, store: Store) -> None:
        """Nobody is known yet but the root."""
        self._sessions = store.table("identities")
        self._lock = threading.Lock()

    def keys(self, role: str, session: str = "odyssey-sandbox") -> Keys:
        """Return keys of a session of a role, as a service of AWS's has them.

        Args:
            role: The role's ARN.
            session: The session's name.
        """
        with self._lock:
            for (_, access), found in self._sessions.items():
                if found == (role, session):
                    return Keys(access, "sandbox", "sandbox")
            letters = string.ascii_uppercase + "234567"
            access = "ASIA" + "".join(secrets.choice(letters) for _ in range(16))
            self._sessions["", access] = (role, session)
            return Keys(access, "sandbox", "sandbox")

    def principal(self, access_key: str) -> Principal:
        """Return whose an access key is.

        Raises:
            ServiceError: It looks like one of the real AWS's.
        """
        found = self._sessions.get(("", access_key))
        if found is not None:
            role, session = found
            return session_of(role, session, access_key)
        known = self._of_moto(access_key)
        if known is not None:
            return known
        if REAL.fullmatch(access_key):
            raise ServiceError(
                "InvalidClientTokenId",
                "this is a sandbox, and the keys look like real ones: it takes none, so that "
                'nobody takes it for AWS; eval "$(odyssey sandbox env)" sets those it takes',
                403,
            )
        return ROOT

    def _of_moto(self, access_key: str) -> Principal | None:
        """Return whose a key is that moto's IAM or STS has given out."""
        from moto.iam.models import iam_backends
        from moto.sts.models import sts_backends

        for session in sts_backends[ACCOUNT]["aws"].assumed_roles:
            if session.access_key_id == access_key:
                return session_of(session.role_arn, session.session_name, access_key)
        for user in iam_backends[ACCOUNT]["aws"].users.values():
            if any(key.access_key_id == access_key for key in user.access_keys):
                return Principal(user.arn, user=user.name, access_key=access_key)
        return None


def session_of(role: str, session: str, access_key: str) -> Principal:
    """Return the principal of a session of a role.

    Args:
        role: The role's ARN.
        session: The session's name.
        access_key: The access key's id.
    """
    name = role.rpartition("/")[2]
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}"
    return Principal(arn, role=role, access_key=access_key)
