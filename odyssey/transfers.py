"""Files on their way into S3: several at once, with a bar that tells how far they are."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from odyssey import trees
from odyssey.console import size
from odyssey.errors import InterruptedByUserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from odyssey.console import Progress
    from odyssey.storage import Uri
    from odyssey.trees import File

PAUSE = 0.05
"""Seconds between two looks at a transfer."""

WIDTH = 24
"""Characters of the progress bar."""


def send(
    client: Any, files: Mapping[Uri, File], progress: Progress, extra: Mapping[str, str]
) -> None:
    """Send files to their places in S3; large ones in parts.

    What boto3 raises passes through. Then, and after Ctrl-C, what is not there yet is cancelled,
    and the parts of unfinished objects are taken away.

    Args:
        client: A client of boto3 for ``s3``.
        files: The files by their places.
        progress: Tells how far it is.
        extra: More arguments of each request, such as the encryption.

    Raises:
        OdysseyError: A file cannot be read.
        InterruptedByUserError: Ctrl-C.
    """
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    # The other kind of manager does not heed the client's own settings, such as its endpoint.
    config = TransferConfig(preferred_transfer_client="classic")
    bar = _Bar(progress, files.values())
    try:
        with create_transfer_manager(client, config) as manager:
            sent = []
            for uri, file in files.items():
                path = str(file.path)
                sent.append(manager.upload(path, uri.bucket, uri.key, dict(extra), bar.counters()))
                bar.draw()
            for file, future in zip(files.values(), sent, strict=True):
                _finish(file, future, bar)
    except KeyboardInterrupt as error:
        raise InterruptedByUserError(
            "the upload was interrupted", "the same command again sends what is missing"
        ) from error
    finally:
        progress.end()


def _finish(file: File, future: Any, bar: _Bar) -> None:
    while not future.done():
        bar.draw()
        time.sleep(PAUSE)
    from botocore.exceptions import BotoCoreError

    try:
        future.result()
    except BotoCoreError:  # Some of them are OSErrors as well, and no fault of the file.
        raise
    except OSError as error:
        raise trees.unreadable(file, error) from error


class _Bar:
    """The progress of an upload, whose bytes boto3 counts from threads of its own."""

    def __init__(self, progress: Progress, files: Iterable[File]) -> None:
        self._progress = progress
        self._label = progress.label
        self._total = sum(file.size for file in files)
        self._sent = 0
        self._lock = threading.Lock()

    def counters(self) -> list[Any]:
        """Return what tells one transfer's bytes to this bar."""
        from boto3.s3.transfer import ProgressCallbackInvoker

        return [ProgressCallbackInvoker(self._add)]

    def draw(self) -> None:
        """Show how far it is, if it is time to."""
        share = min(1.0, self._sent / self._total) if self._total else 1.0
        blocks = "#" * int(share * WIDTH)
        how_far = f"{share:.0%} of {size(self._total)}"
        self._progress.label = f"{self._label} [{blocks.ljust(WIDTH, '-')}] {how_far}"
        self._progress.tick()

    def _add(self, count: int) -> None:
        with self._lock:
            self._sent += count
