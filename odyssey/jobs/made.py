"""What the foundation stack made, for jobs that name no bucket or role of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey import foundation

if TYPE_CHECKING:
    from odyssey.aws import Clients
    from odyssey.config import Config
    from odyssey.foundation import Foundation


class Made:
    """What the foundation stack made; AWS is asked only when something of it is needed.

    Args:
        settings: The app's settings.
        access: The way to AWS.
    """

    def __init__(self, settings: Config, access: Clients) -> None:
        """Nothing is asked yet."""
        self._settings, self._access = settings, access
        self._found: Foundation | None = None

    def bucket(self, option: str) -> str:
        """Return the name of the bucket.

        Args:
            option: How the command takes another place.

        Raises:
            UsageError: The stack is not deployed.
            AwsError: AWS refuses.
        """
        return foundation.require_bucket(self._find(), option)

    def role(self) -> str:
        """Return the ARN of the role that jobs run as.

        Raises:
            UsageError: The stack is not deployed.
            AwsError: AWS refuses.
        """
        return foundation.require_role(self._find())

    def _find(self) -> Foundation:
        if self._found is None:
            self._found = foundation.find(self._settings, self._access)
        return self._found
