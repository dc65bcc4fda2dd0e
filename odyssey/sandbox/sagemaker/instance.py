"""One instance of an endpoint's variant: its machine, replaced for as long as it is wanted."""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.logs import LogStream
from odyssey.sandbox.sagemaker.hosting import HostingError, UnhealthyError, hosted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sagemaker.hosting import Host
    from odyssey.sandbox.sandbox import Sandbox

GROUP = "/aws/sagemaker/Endpoints"
STARTUP = 480
"""Seconds that a container may take until it is healthy, where the variant does not say."""

DOWNLOAD = 3600
"""Seconds that the model's files may take, where the variant does not say."""

SERVERLESS = 180
"""Seconds for both of them, of a serverless variant."""

DRAIN = 65.0
"""Seconds in which what an instance is at work on must be answered: the container has 60."""

LONGEST = 1024
"""Characters of a FailureReason."""

ENDED = "The instance has ended. Please check the log of the sandbox."

LOOK = 0.2
"""Seconds between two looks at whether it is still wanted."""

PAUSE = 1.0
"""Seconds until a machine that was never healthy is tried again, where others have been."""


class Instance:
    """An instance, which lives in a task of its own.

    Args:
        sandbox: The sandbox.
        endpoint: The region and the name of its endpoint.
        variant: The variant, with its ``model``.
        changed: Held to look at its attributes, and told when one changes.

    Attributes:
        host: What serves; None while nothing does.
        busy: How many requests it is at work on.
        failure: Why it has never served; None while it may.
        stream: The log stream of the machine that serves or has served; empty before.
        has_ended: Whether it has left nothing behind.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        endpoint: tuple[str, str],
        variant: Mapping[str, Any],
        changed: threading.Condition,
    ) -> None:
        """It does not live yet."""
        self.host: Host | None = None
        self.busy = 0
        self.failure: str | None = None
        self.has_ended = False
        self.stream = ""
        self._sandbox = sandbox
        self._region, self._endpoint = endpoint
        self._variant = variant
        self._changed = changed
        self._leaving = threading.Event()

    def start(self) -> None:
        """Begin to live."""
        name = f"endpoint {self._endpoint}, {self._variant['VariantName']}"
        self._sandbox.tasks.start(name, self._live)

    def leave(self) -> None:
        """Take no more requests, answer those that are there, and end."""
        self._leaving.set()
        with self._changed:
            self.host = None

    def _live(self) -> None:
        try:
            while not self._is_unwanted():
                try:
                    self._serve()
                except HostingError as error:
                    if self._has_failed(error):
                        return
                    self._leaving.wait(PAUSE)
        finally:
            with self._changed:
                self.host, self.has_ended = None, True
                # Nobody waits for one that has ended, not even where a bug was its end.
                self.failure = self.failure or ENDED
                self._changed.notify_all()

    def _is_unwanted(self) -> bool:
        return self._leaving.is_set() or self._sandbox.tasks.stopping.is_set()

    def _has_failed(self, error: HostingError) -> bool:
        """Return whether that is its end: not if it is to replace one that has served."""
        with self._changed:
            if self.stream and not self._is_unwanted():
                return False
            self.failure = self._reason(error)
            return True

    def _reason(self, error: HostingError) -> str:
        if not isinstance(error, UnhealthyError):
            return str(error)[:LONGEST]
        return (
            f"The primary container for production variant {self._variant['VariantName']} did not "
            "pass the ping health check. Please check CloudWatch logs for this endpoint."
        )

    def _serve(self) -> None:
        """Serve with one machine until it ends or is no longer wanted."""
        variant, model = self._variant, self._variant["model"]
        serverless = "ServerlessConfig" in variant
        startup = variant.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP)
        download = variant.get("ModelDataDownloadTimeoutInSeconds", DOWNLOAD)
        group = f"{GROUP}/{self._endpoint}"
        stream = f"{variant['VariantName']}/i-{secrets.token_hex(9)[:17]}"
        role = model["ExecutionRoleArn"]
        with (
            LogStream(self._sandbox.clients, self._region, role, group, stream) as log,
            hosted(
                self._sandbox,
                model,
                region=self._region,
                log=log,
                startup_seconds=SERVERLESS if serverless else startup,
                download_seconds=SERVERLESS if serverless else download,
                cancelled=self._is_unwanted,
                name=self._endpoint,
            ) as host,
        ):
            self._take_over(host, stream)
            while not self._is_unwanted() and host.wait(LOOK) is None:
                pass
            self._hand_over()

    def _take_over(self, host: Host, stream: str) -> None:
        with self._changed:
            if not self._leaving.is_set():
                self.host, self.stream = host, stream
            self._changed.notify_all()

    def _hand_over(self) -> None:
        """Take no more requests, and wait for the answers of those that are there."""
        deadline = time.monotonic() + DRAIN
        with self._changed:
            self.host = None
            self._changed.notify_all()
            while self.busy and time.monotonic() < deadline:
                if self._sandbox.tasks.stopping.is_set():
                    return
                self._changed.wait(LOOK)
