"""boto3's clients of a sandbox, for whoever asks it from outside."""

from __future__ import annotations

import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.clients import KEYS

if TYPE_CHECKING:
    from odyssey.aws import Keys


class Clients:
    """Makes clients of boto3 that ask one sandbox, whatever the variables of this process say.

    Args:
        url: The sandbox's URL.
    """

    def __init__(self, url: str) -> None:
        """Nothing is loaded yet."""
        self._url = url
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], Any] = {}
        self._sent = threading.local()

    def client(self, service: str, region: str, patience: int = 30, keys: Keys = KEYS) -> Any:
        """Return a client, which asks once.

        Args:
            service: The service as boto3 calls it.
            region: The region.
            patience: Seconds that an answer may take.
            keys: Whose request it is.
        """
        with self._lock:
            if (service, region) not in self._made:
                self._made[service, region] = self._make(service, region, patience, keys)
            return self._made[service, region]

    def seconds(self) -> float:
        """Return how long ago this thread has sent its last request; 0 where it has sent none.

        What boto3 does before that is not the model's time.
        """
        return time.perf_counter() - getattr(self._sent, "at", time.perf_counter())

    def _note(self, **_: Any) -> None:
        self._sent.at = time.perf_counter()

    @cached_property
    def _session(self) -> Any:
        from botocore.session import Session

        return Session(session_vars={"profile": (None, None, None, None)})

    def _make(self, service: str, region: str, patience: int, keys: Keys) -> Any:
        from botocore.config import Config

        made = self._session.create_client(
            service,
            region_name=region,
            endpoint_url=self._url,
            aws_access_key_id=keys.access,
            aws_secret_access_key=keys.secret,
            config=Config(
                retries={"total_max_attempts": 1},
                read_timeout=patience,
                max_pool_connections=32,
                proxies={},
            ),
        )
        made.meta.events.register("before-send", self._note)
        return made
