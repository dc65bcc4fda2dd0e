"""What the foundation stack made, for jobs that name no bucket or role of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey import foundation, storage
from odyssey.console import clean
from odyssey.errors import UsageError
from odyssey.storage import Uri

if TYPE_CHECKING:
    from pathlib import Path

    from odyssey.aws import Clients
    from odyssey.config import Config
    from odyssey.foundation import Foundation


DATA = "input/data"
"""The prefix of the bucket that jobs read their data from."""


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

    def home(self, source: Path, option: str, channel: str, results: str) -> Uri:
        """Return the prefix that a file or folder of this machine is uploaded to.

        It is in the app's bucket; where the stack is not deployed, below the results of the job,
        if a place is named for them.

        Args:
            source: The file or folder.
            option: The option that named it, such as ``-i``.
            channel: What the data is for: a channel, or ``transform``.
            results: The s3:// URI that was given for the results; empty where none was.

        Raises:
            UsageError: There is no such file or folder, nothing is in it, or no bucket is known.
            AwsError: AWS refuses.
        """
        if not source.exists():
            raise UsageError(
                f"{option} {clean(str(source))}: there is no such file or folder",
                "name one of this machine, or an s3://BUCKET/PREFIX",
            )
        content = storage.content_hash(source)
        if results and not self._find().bucket:
            return Uri.parse(results) / DATA / channel / content
        bucket = self.bucket(f"{option.rstrip('=')} s3://BUCKET/PREFIX")
        return Uri(bucket, f"{DATA}/{channel}") / content

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
