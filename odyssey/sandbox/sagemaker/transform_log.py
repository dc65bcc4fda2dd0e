"""A transform job's data log: what became of the objects, as SageMaker words it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odyssey.sandbox.logs import LogStream
    from odyssey.sandbox.sagemaker.transform_errors import ObjectFailedError
    from odyssey.sandbox.sagemaker.transform_input import Source


class DataLog:
    """The data log of one instance.

    Args:
        stream: Where it is written.
    """

    def __init__(self, stream: LogStream) -> None:
        """Nothing is written yet."""
        self._stream = stream

    def tell(self, text: str) -> None:
        """Write a line."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        self._stream.write(f"{now}:[sagemaker logs]: {text}\n".encode())

    def failed(self, source: Source, error: ObjectFailedError) -> None:
        """Tell why an object could not be transformed."""
        for line in error.told:
            self.tell(f"{source}: {line}")
