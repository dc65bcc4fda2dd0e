"""Who is who: the access key of a request leads to a principal."""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from odyssey.aws import Keys
from odyssey.sandbox.calls import ACCOUNT, ServiceError

if TYPE_CHECKING:
    from moto.sts.models import AssumedRole

    from odyssey.sandbox.store import Store

REAL = re.compile(r"(AKIA|ASIA)[A-Z2-7]{16}")
"""What access keys of AWS's look like."""

OWN = "SANDBOXACCESSKEY"
"""The access key of the account's root, which the sandbox gives to its user: not shorter than any
of AWS's, as tools look at that."""

INSIDE = "sandbox-itself"
"""The access key with which the sandbox asks itself, for what nobody has asked of it."""

TABLE = "identities"


@dataclass(frozen=True)
class Principal:
    """Who asks.

    Args:
        arn: Its ARN, such as ``arn:aws:sts::123456789012:assumed-role/deployer/session``.
        role: The ARN of the role, where it is a session of one.
        user: The name of the user, where it is one.
        access_key: The access key's id.
        policy: The policy that a session was limited with, a JSON document.
        via: The services through which it asks, such as ``cloudformation.amazonaws.com``.
    """

    arn: str
    role: str | None = None
    user: str | None = None
    access_key: str = OWN
    policy: str | None = None
    via: tuple[str, ...] = ()

    @property
    def is_root(self) -> bool:
        """Whether it is the account itself, which may do everything."""
        return self.role is None and self.user is None

    @property
    def source(self) -> str:
        """The ARN of what its rights come from: the role of a session, or itself."""
        return self.role or self.arn


ROOT = Principal(f"arn:aws:iam::{ACCOUNT}:root")


class Identities:
    """Access keys and their principals.

    What a request's signature proves is not looked at, nor a session's token: whoever knows the id
    of a key is taken at their word, as there is nothing to steal here.

    Args:
        store: Where the sessions are kept that the sandbox made itself.
        strict: Whether keys that nobody has given out are refused; otherwise they are the root's.
    """

    def __init__(self, store: Store, *, strict: bool = False) -> None:
        """Nobody is known yet but the root."""
        self._store = store
        self._strict = strict
        self._sessions = _Sessions()

    def keys(self, role: str, session: str = "odyssey-sandbox") -> Keys:
        """Return keys of a session of a role, as a service of AWS's has them.

        Args:
            role: The role's ARN.
            session: The session's name.
        """
        return self._keys(session_of(role, session, ""))

    def via(self, principal: Principal, service: str) -> Keys:
        """Return keys with which a service of AWS's asks for whoever has asked it.

        Args:
            principal: Who has asked.
            service: The service's principal, such as ``cloudformation.amazonaws.com``.
        """
        return self._keys(replace(principal, access_key="", via=(*principal.via, service)))

    def principal(self, access_key: str) -> Principal:
        """Return whose an access key is.

        Raises:
            ServiceError: It looks like one of the real AWS's; or nobody has given it out, and
                that matters.
        """
        known = self._known(access_key)
        if known is not None:
            return known
        if REAL.fullmatch(access_key):
            raise _refused(
                "this is a sandbox, and the keys look like real ones: it takes none, so that "
                'nobody takes it for AWS; eval "$(odyssey sandbox env)" sets those it takes'
            )
        if self._strict:
            if not access_key:
                raise ServiceError(
                    "MissingAuthenticationToken", "Request is missing Authentication Token", 403
                )
            raise _refused("The security token included in the request is invalid.")
        return ROOT

    def _known(self, access_key: str) -> Principal | None:
        if access_key in (OWN, INSIDE):
            return replace(ROOT, access_key=access_key)
        with self._store.lock:
            found = self._store.table(TABLE).get(("", access_key))
        if found is not None:
            return Principal(**{**found, "access_key": access_key})
        return self._sessions.principal(access_key) or _user(access_key)

    def _keys(self, principal: Principal) -> Keys:
        """Return the keys of a principal, made when it has none yet."""
        record = asdict(principal)
        with self._store.lock:
            table = self._store.table(TABLE)
            for (_, access), found in table.items():
                if found == record:
                    return Keys(access, "sandbox", "sandbox")
            letters = string.ascii_uppercase + "234567"
            access = "ASIA" + "".join(secrets.choice(letters) for _ in range(16))
            table["", access] = record
            return Keys(access, "sandbox", "sandbox")


class _Sessions:
    """The sessions that moto's STS has made, by their access keys."""

    def __init__(self) -> None:
        self._found: dict[str, AssumedRole] = {}
        self._read: list[AssumedRole] = []
        self._count = 0

    def principal(self, access_key: str) -> Principal | None:
        from moto.sts.models import sts_backends

        made = sts_backends[ACCOUNT]["aws"].assumed_roles
        if made is not self._read or len(made) < self._count:
            # Another state was loaded, or all was forgotten.
            self._found, self._read, self._count = {}, made, 0
        # Another thread may do the same now, and comes to the same.
        start = self._count
        new = made[start:]
        self._found.update((each.access_key_id, each) for each in new)
        self._count = start + len(new)
        found = self._found.get(access_key)
        if found is None:
            return None
        session = session_of(found.role_arn, found.session_name, access_key)
        return replace(session, policy=found.policy or None)


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


def _user(access_key: str) -> Principal | None:
    """Return the user whose key moto's IAM has given out, while it is active."""
    from moto.iam.models import iam_backends

    iam = iam_backends[ACCOUNT]["aws"]
    key = iam.access_keys.get(access_key)
    user = iam.users.get(key.user_name) if key is not None and key.user_name else None
    if key is None or user is None or key.status != "Active":
        return None
    return Principal(user.arn, user=user.name, access_key=access_key)


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidClientTokenId", message, 403)
