"""One instance of a transform job: its objects, in several requests at once to its container.

::

    objects ── batches, in their order ──┬── request ──┬── outputs, in the same order ── S3
                     one lock            ├── request ──┤
                                         └── request ──┘
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.sagemaker.transform_client import Invoker
from odyssey.sandbox.sagemaker.transform_errors import ObjectFailedError
from odyssey.sandbox.sagemaker.transform_input import content
from odyssey.sandbox.sagemaker.transform_limits import Limits
from odyssey.sandbox.sagemaker.transform_output import Output
from odyssey.sandbox.sagemaker.transform_records import batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from odyssey.sandbox.sagemaker.hosting import Host
    from odyssey.sandbox.sagemaker.transform_input import Source
    from odyssey.sandbox.sagemaker.transform_log import DataLog
    from odyssey.sandbox.sagemaker.transform_output import Destination
    from odyssey.sandbox.sagemaker.transform_processing import Processing

LOOK = 0.1
"""Seconds between two looks at whether the job is stopped."""


@dataclass(eq=False)
class Transformed:
    """An object that is being transformed.

    Args:
        source: The object.
        output: Its output.
        total: How many requests it makes; None while nobody knows.
        is_over: Whether nothing more is to be done for it.
    """

    source: Source
    output: Output
    total: int | None = None
    is_over: bool = False


@dataclass(frozen=True)
class Batch:
    """What one request asks.

    Args:
        object: Of which object.
        index: Its place among the requests of that.
        records: The records; None is the whole object, which is not held.
    """

    object: Transformed
    index: int
    records: bytes | None


class Instance:
    """Transforms the objects of one instance.

    Args:
        client: A client of boto3 for ``s3``, of the job's role.
        request: The request of CreateTransformJob.
        processing: What is done to the records.
        destination: Where the outputs go.
        folder: Where outputs are until they are whole.
        log: Where it is told what became of the objects.
        cancelled: Set when nobody wants them any more.
    """

    def __init__(
        self,
        client: Any,
        request: Mapping[str, Any],
        processing: Processing,
        destination: Destination,
        folder: Path,
        log: DataLog,
        cancelled: threading.Event,
    ) -> None:
        """Nothing is read yet."""
        self.reasons: list[str] = []
        """Why objects failed, the first first."""
        self._client = client
        self._request = request
        self._input = request["TransformInput"]
        self._split = self._input.get("SplitType", "None")
        self._compression = self._input.get("CompressionType", "None")
        self._processing = processing
        self._destination = destination
        self._folder = folder
        self._log = log
        self._cancelled = cancelled
        self._reading = threading.Lock()
        self._changing = threading.Lock()
        self._open: set[Transformed] = set()
        self._pool: ThreadPoolExecutor | None = None

    def work(self, sources: Sequence[Source], host: Host, is_stopped: Callable[[], bool]) -> None:
        """Transform objects; return when all are, or as soon as the job is stopped.

        Args:
            sources: The objects.
            host: The container.
            is_stopped: Whether the job is.
        """
        limits = Limits.of(self._request, host)
        self._log.tell(str(limits))
        invoker = Invoker(host, self._request, self._cancelled)
        feed = self._batches(sources, limits)
        self._pool = ThreadPoolExecutor(limits.concurrent, "transform")
        running: set[Future[None]] = {
            self._pool.submit(self._send, feed, invoker) for _ in range(limits.concurrent)
        }
        try:
            while running and not is_stopped():
                done, running = wait(running, LOOK)
                for each in done:
                    each.result()
        finally:
            if running:
                self._cancelled.set()

    def close(self) -> None:
        """Wait for what still runs, which ends with the container; remove what came to nothing."""
        if self._pool is not None:
            self._pool.shutdown()
        for each in list(self._open):
            self._end(each)

    def _batches(self, sources: Sequence[Source], limits: Limits) -> Iterator[Batch]:
        for source in sources:
            if self._cancelled.is_set():
                return
            by_line = self._request["TransformOutput"].get("AssembleWith") == "Line"
            output = Output(self._folder, by_line=by_line, window=2 * limits.concurrent)
            found = Transformed(source, output)
            self._open.add(found)
            try:
                yield from self._of(found, limits)
            except ObjectFailedError as error:
                self._fail(found, error)

    def _of(self, found: Transformed, limits: Limits) -> Iterator[Batch]:
        if not limits.payload and self._goes_as_a_whole(limits):
            found.total = 1
            yield Batch(found, 0, None)
            return
        before = None
        pieces = self._content(found)
        for index, records in enumerate(
            batches(pieces, self._split, is_single=limits.is_single, most=limits.bytes)
        ):
            if found.is_over or self._cancelled.is_set():
                return
            if before is not None:
                yield before
            before = Batch(found, index, records)
        # The last one is held back until it is known to be that.
        found.total = 0 if before is None else before.index + 1
        if before is None:
            self._finish(found)
        else:
            yield before

    def _goes_as_a_whole(self, limits: Limits) -> bool:
        return not self._processing.is_needed and (self._split == "None" or not limits.is_single)

    def _content(self, found: Transformed) -> Iterator[bytes]:
        return content(self._client, found.source, self._compression)

    def _send(self, feed: Iterator[Batch], invoker: Invoker) -> None:
        while True:
            with self._reading:
                batch = next(feed, None)
            if batch is None:
                return
            try:
                self._transform(batch, invoker)
            except ObjectFailedError as error:
                self._fail(batch.object, error)

    def _transform(self, batch: Batch, invoker: Invoker) -> None:
        found, records = batch.object, batch.records
        if records is None:
            invoker.ask(
                lambda: self._content(found),
                lambda answer: found.output.replace(iter(answer.read1, b"")),
            )
            self._finish(found)
            return
        asked = self._processing.asked(records)
        answer = invoker.ask(lambda: asked, lambda answer: answer.read())
        told = self._processing.told(records, answer)
        if found.output.put(batch.index, told) == found.total:
            self._finish(found)

    def _finish(self, found: Transformed) -> None:
        self._destination.send(found.source, found.output)
        self._end(found)

    def _fail(self, found: Transformed, error: ObjectFailedError) -> None:
        # Several requests of an object may fail, and those of a job that is stopped do.
        if self._end(found) and not self._cancelled.is_set():
            self.reasons.append(error.reason)
            self._log.failed(found.source, error)

    def _end(self, found: Transformed) -> bool:
        """Let go of an object; return whether this was the first to do so."""
        with self._changing:
            if found.is_over:
                return False
            found.is_over = True
            self._open.discard(found)
        found.output.close()
        return True
