"""The answers to an object's records, put together in their order, and on their way to S3."""

from __future__ import annotations

import tempfile
import threading
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.sagemaker.transform_errors import ObjectFailedError
from odyssey.sandbox.sagemaker.transform_input import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from odyssey.sandbox.sagemaker.transform_input import Source


class Output:
    """The output of one object: in a file of this machine until it is whole.

    `put` may be called from several threads, and `close` while they are in it.

    Args:
        folder: Where the file is.
        by_line: Whether each answer ends with a line end; one that is there is not doubled.
        window: How many answers are held while an earlier one is missing; later ones must wait.
    """

    def __init__(self, folder: Path, *, by_line: bool, window: int) -> None:
        """Nothing is written yet."""
        self._file = tempfile.NamedTemporaryFile(prefix="transform-", dir=folder)  # noqa: SIM115
        self.path = self._file.name
        self._by_line = by_line
        self._window = window
        self._changed = threading.Condition()
        self._waiting: dict[int, bytes] = {}
        self._next = 0

    def put(self, index: int, answer: bytes) -> int:
        """Take the answer to a request, and write it when all before it are written.

        Args:
            index: The request's place among those of the object.
            answer: The answer.

        Returns:
            How many are written; none once the output is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: index < self._next + self._window or self._file.closed)
            if self._file.closed:
                return 0
            self._waiting[index] = answer
            while self._next in self._waiting:
                self._file.write(self._ended(self._waiting.pop(self._next)))
                self._next += 1
            self._changed.notify_all()
            return self._next

    def _ended(self, answer: bytes) -> bytes:
        return answer + b"\n" if self._by_line and not answer.endswith(b"\n") else answer

    def replace(self, pieces: Iterable[bytes]) -> None:
        """Take the one answer to a whole object, piece by piece, in place of what there is."""
        self._file.seek(0)
        self._file.truncate()
        last = b""
        for piece in pieces:
            self._file.write(piece)
            last = piece
        self._file.write(self._ended(last)[len(last) :])

    def flush(self) -> None:
        """Bring everything into the file."""
        self._file.flush()

    def close(self) -> None:
        """Remove the file, whatever is still missing."""
        with self._changed:
            self._file.close()
            self._waiting.clear()
            self._changed.notify_all()


class Destination:
    """Where the outputs of a job go.

    Args:
        client: A client of boto3 for ``s3``.
        wanted: The request's ``TransformOutput``.
    """

    def __init__(self, client: Any, wanted: Mapping[str, Any]) -> None:
        """Nothing is sent yet."""
        from boto3.s3.transfer import S3Transfer, TransferConfig

        self.bucket, self._prefix = split(wanted["S3OutputPath"])
        self._arguments = {"ContentType": wanted["Accept"]} if wanted.get("Accept") else {}
        if wanted.get("KmsKeyId"):
            self._arguments |= {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": wanted["KmsKeyId"],
            }
        # What is large goes in parts, one after the other, which are taken back when one fails.
        self._transfer = S3Transfer(client, TransferConfig(use_threads=False))

    def key(self, source: Source) -> str:
        """Return the key of an object's output.

        AWS's own pages contradict each other about the folders that it keeps; what users report is
        that those below the input's prefix stay, and no others.
        """
        gap = "/" if self._prefix and not self._prefix.endswith("/") else ""
        return f"{self._prefix}{gap}{source.name}.out"

    def send(self, source: Source, output: Output) -> None:
        """Send the output of an object.

        Raises:
            ObjectFailedError: S3 does not take it.
        """
        from boto3.exceptions import S3UploadFailedError
        from botocore.exceptions import BotoCoreError, ClientError

        output.flush()
        key = self.key(source)
        try:
            self._transfer.upload_file(output.path, self.bucket, key, extra_args=self._arguments)
        except (S3UploadFailedError, BotoCoreError, ClientError) as error:
            raise ObjectFailedError(f"Unable to write s3://{self.bucket}/{key}: {error}") from error
