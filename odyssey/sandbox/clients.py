"""boto3's clients of the sandbox itself: what a job or a stack wants of AWS, as its role."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

from odyssey.aws import Keys
from odyssey.sandbox.iam.identities import INSIDE, OWN

if TYPE_CHECKING:
    from odyssey.sandbox.iam.identities import Identities

KEYS = Keys(OWN, "sandbox")
"""The keys that the sandbox gives to its user: those of the account's root."""

ITS_OWN = Keys(INSIDE, "sandbox")
"""The keys of the sandbox itself: nobody is noted to have asked for what they ask."""


class Clients:
    """Makes clients that ask this sandbox, whatever the process's variables say.

    Args:
        url: The sandbox's URL.
        identities: Who is who.
    """

    def __init__(self, url: str, identities: Identities) -> None:
        """Nothing is loaded yet: boto3 takes a moment."""
        self._url = url
        self._identities = identities
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str, str], Any] = {}

    def client(self, service: str, region: str, role: str | None = None) -> Any:
        """Return a client.

        Args:
            service: The service as boto3 calls it.
            region: The region.
            role: The ARN of the role that asks. Default: the account's root.
        """
        return self.acting(service, region, self._identities.keys(role) if role else ITS_OWN)

    def acting(self, service: str, region: str, keys: Keys) -> Any:
        """Return a client that asks with certain keys.

        Args:
            service: The service as boto3 calls it.
            region: The region.
            keys: Whose.
        """
        wanted = (service, region, keys.access)
        with self._lock:
            if wanted not in self._made:
                self._made[wanted] = self._make(service, region, keys)
            return self._made[wanted]

    @cached_property
    def _session(self) -> Any:
        """A session of botocore's alone: no profile, no file and no variable has a say.

        One for all: it reads the model of a service once, which takes longer than all else.
        """
        from botocore.session import Session

        return Session(session_vars={"profile": (None, None, None, None)})

    def _make(self, service: str, region: str, keys: Keys) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "max_attempts": 3},
            max_pool_connections=32,
            s3={"addressing_style": "path"},
            proxies={},
            read_timeout=600,
        )
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._url,
            aws_access_key_id=keys.access,
            aws_secret_access_key=keys.secret,
            aws_session_token=keys.token,
            config=config,
        )
