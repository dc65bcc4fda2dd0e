"""The run of a transform job: its objects, spread over its instances."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.logs import LogStream
from odyssey.sandbox.sagemaker.hosting import HostingError, UnhealthyError, hosted
from odyssey.sandbox.sagemaker.transform_errors import JobFailedError
from odyssey.sandbox.sagemaker.transform_input import sources
from odyssey.sandbox.sagemaker.transform_instance import Instance
from odyssey.sandbox.sagemaker.transform_limits import environment
from odyssey.sandbox.sagemaker.transform_log import DataLog
from odyssey.sandbox.sagemaker.transform_output import Destination
from odyssey.sandbox.sagemaker.transform_processing import Processing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odyssey.sandbox.sagemaker.transform_input import Source
    from odyssey.sandbox.sandbox import Sandbox

GROUP = "/aws/sagemaker/TransformJobs"

STARTUP = 480.0
"""Seconds in which a container must be healthy."""

DOWNLOAD = 3600.0
"""Seconds that the download of the model may take."""

CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a "
    "different ML instance type."
)


class Run:
    """One job.

    Args:
        sandbox: The sandbox.
        region: Where the job is.
        request: The request of CreateTransformJob.
        model: The record of its model.
    """

    def __init__(
        self, sandbox: Sandbox, region: str, request: Mapping[str, Any], model: Mapping[str, Any]
    ) -> None:
        """Nothing runs yet."""
        self.cancelled = threading.Event()
        """Set by whoever stops the job, and when it cannot go on."""
        self._sandbox = sandbox
        self._region = region
        self._request = request
        self._model = model
        self._name: str = request["TransformJobName"]
        self._role: str = model["ExecutionRoleArn"]
        self._count: int = request["TransformResources"]["InstanceCount"]
        self._counting = threading.Lock()
        self._working: int = self._count

    def run(self, started: Callable[[], object], finished: Callable[[], object]) -> None:
        """Transform everything; return early when the job, or the sandbox, is stopped.

        Args:
            started: Called when the first container is healthy.
            finished: Called when all is transformed, before the containers are stopped, which
                takes its time.

        Raises:
            JobFailedError: Something could not be transformed.
        """
        if self._sandbox.faults.strike("capacity", self._name):
            raise JobFailedError(CAPACITY)
        wanted = self._request["TransformInput"]["DataSource"]["S3DataSource"]
        found = sources(self._client, wanted, self._region, self._role)
        with ThreadPoolExecutor(self._count, self._name) as pool:
            running = [
                pool.submit(self._instance, found[number :: self._count], started, finished)
                for number in range(self._count)
            ]
        reasons = [reason for each in running for reason in each.result()]
        if reasons:
            raise JobFailedError(reasons[0])

    def is_stopped(self) -> bool:
        """Return whether somebody has stopped the job, or the sandbox."""
        return self.cancelled.is_set() or self._sandbox.tasks.stopping.is_set()

    @property
    def _client(self) -> Any:
        return self._sandbox.clients.client("s3", self._region, self._role)

    def _instance(
        self,
        share: Sequence[Source],
        started: Callable[[], object],
        finished: Callable[[], object],
    ) -> list[str]:
        stream = f"{self._name}/i-{secrets.token_hex(9)[:17]}"
        with self._log(stream) as log, self._log(f"{stream}/data-log") as data_log:
            instance = Instance(
                self._client,
                self._request,
                Processing(self._request),
                Destination(self._client, self._request["TransformOutput"]),
                self._sandbox.settings.folder,
                DataLog(data_log),
                self.cancelled,
            )
            try:
                self._serve(instance, share, log, started, finished)
            finally:
                instance.close()
        return instance.reasons

    def _serve(
        self,
        instance: Instance,
        share: Sequence[Source],
        log: LogStream,
        started: Callable[[], object],
        finished: Callable[[], object],
    ) -> None:
        try:
            with hosted(
                self._sandbox,
                self._model,
                region=self._region,
                environment=environment(self._request),
                log=log,
                startup_seconds=STARTUP,
                download_seconds=DOWNLOAD,
                cancelled=self.is_stopped,
                name=self._name,
            ) as host:
                started()
                instance.work(share, host, self.is_stopped)
                if not instance.reasons and not self.is_stopped() and self._was_last():
                    finished()
        except HostingError as error:
            is_stopped = self.is_stopped()
            self.cancelled.set()
            if not is_stopped:
                kind = "AlgorithmError" if isinstance(error, UnhealthyError) else "ClientError"
                raise JobFailedError(f"{kind}: {error}") from error

    def _was_last(self) -> bool:
        """Count an instance that has done its share; return whether all have."""
        with self._counting:
            self._working -= 1
            return self._working == 0

    def _log(self, stream: str) -> LogStream:
        return LogStream(self._sandbox.clients, self._region, self._role, GROUP, stream)
