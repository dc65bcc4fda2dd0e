"""One training job as it runs, from its instances to its model.

::

    instances, machines -> data -> training -> what is left behind, to S3
    Starting               Downloading         Training            Uploading -> Completed
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey.errors import UsageError
from odyssey.images import layout
from odyssey.sandbox.logs import LogStream
from odyssey.sandbox.machines import MachineError, Task
from odyssey.sandbox.sagemaker.training_channels import Data, DataError, told
from odyssey.sandbox.sagemaker.training_cluster import Cluster
from odyssey.sandbox.sagemaker.training_metrics import Metrics
from odyssey.sandbox.sagemaker.training_output import Output, UploadError, failure
from odyssey.sandbox.sagemaker.training_record import LONGEST
from odyssey.sandbox.sagemaker.training_request import groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from odyssey.sandbox.machines import Entry, Machine
    from odyssey.sandbox.sagemaker.training_record import Record
    from odyssey.sandbox.sandbox import Sandbox

LOG_GROUP = "/aws/sagemaker/TrainingJobs"

GRACE = 120.0
"""Seconds from SIGTERM to SIGKILL, as SageMaker gives them."""

SHORT = 5.0
"""The same where nobody waits for a model: another host has failed, or the sandbox stops."""

LOOK = 0.1
"""Seconds between two looks at whether a job is to end."""

INTERNAL = "InternalServerError: We encountered an internal error. Please try again."
SANDBOX_STOPPED = "InternalServerError: the sandbox was stopped while the job ran."
NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a "
    "different ML instance type."
)
NO_MEMORY = (
    "ClientError: Please use an instance type with more memory, or reduce the size of training "
    "data processed on an instance."
)


class JobError(Exception):
    """The job fails; the text is its FailureReason."""


class _StoppedError(Exception):
    """The job is stopped before it has begun to train."""


class _Why(Enum):
    """Why the machines of a job have ended, or are to end."""

    DONE = "all of them have ended well"
    FAILED = "one of them has failed"
    STOPPED = "somebody stops the job"
    OUTLASTED = "it has run for as long as it may"


class Run:
    """One run of a job.

    Args:
        sandbox: The sandbox.
        region: The job's region.
        job: What its record said at the start.
        record: Its record.
    """

    def __init__(self, sandbox: Sandbox, region: str, job: dict[str, Any], record: Record) -> None:
        """Nothing runs yet."""
        self._sandbox = sandbox
        self._region = region
        self._job = job
        self._record = record
        self._stop = threading.Event()
        self._metrics = Metrics(job["AlgorithmSpecification"].get("MetricDefinitions", ()))

    def stop(self) -> None:
        """Ask the job to end; its machines have two minutes for it."""
        self._stop.set()

    def run(self) -> None:
        """Run the job to its end, of which its record tells."""
        try:
            with ExitStack() as stack:
                why, members = self._run(stack)
        except (JobError, DataError, UploadError) as error:
            self._record.failed(str(error))
        except MachineError as error:
            self._record.failed(f"ClientError: {error}")
        except UsageError as error:  # A key of S3's would be too long.
            self._record.failed(f"ClientError: {error.message}")
        except OSError as error:  # The disk is full.
            self._record.failed(f"InternalServerError: {error}")
        except _StoppedError:
            self._record.done()
        except Exception:
            self._record.failed(INTERNAL)
            raise
        else:
            end = self._record.outlasted if why is _Why.OUTLASTED else self._record.done
            end(**members)

    def _run(self, stack: ExitStack) -> tuple[_Why, dict[str, Any]]:
        """Return why it has ended, and what its record has to say then."""
        machines = self._machines(stack)
        self._check()
        self._record.enter("Downloading", TrainingStartTime=datetime.now(UTC))
        self._fill(machines)
        self._check()
        self._record.enter("Training")
        cluster = Cluster(machines)
        with ExitStack() as logs:
            cluster.start({host: self._output(logs, host) for host in machines})
            why = self._train(cluster)
        metrics = {"FinalMetricDataList": self._metrics.final()}
        reason = self._reason(cluster, machines) if why is _Why.FAILED else ""
        self._record.enter("Uploading", **metrics)
        return why, self._leave(machines, reason)

    def _machines(self, stack: ExitStack) -> dict[str, Machine]:
        """Make the machines; they last as long as the stack."""
        executor = self._sandbox.executor
        if self._sandbox.faults.strike("capacity", self._job["TrainingJobName"]):
            raise JobError(NO_CAPACITY)
        hosts = [host for group in groups(self._job) for host in group.hosts]
        network = stack.enter_context(executor.network()) if len(hosts) > 1 else None
        return {
            host: stack.enter_context(executor.machine(self._task(host, network))) for host in hosts
        }

    def _task(self, host: str, network: str | None) -> Task:
        job = self._job
        wanted = job["AlgorithmSpecification"]
        own = {"ContainerEntrypoint", "ContainerArguments"} & set(wanted)
        return Task(
            image=wanted["TrainingImage"],
            command=wanted.get("ContainerArguments", ()) if own else ("train",),
            entrypoint=wanted.get("ContainerEntrypoint"),
            environment={
                "TRAINING_JOB_NAME": job["TrainingJobName"],
                "TRAINING_JOB_ARN": job["TrainingJobArn"],
                "AWS_REGION": self._region,
                **job.get("Environment", {}),
            },
            hostname=host,
            network=network,
            region=self._region,
            role=job["RoleArn"],
        )

    def _fill(self, machines: Mapping[str, Machine]) -> None:
        """Put into the machines what they find at their start."""
        with self._folder() as folder:
            data = Data(self._client(), self._job, self._region, folder, self._check)
            found = data.channels()
            kept = data.checkpoints()
            for host, machine in machines.items():
                machine.put("/", [*self._configuration(host), *found[host], *kept])

    def _configuration(self, host: str) -> Iterator[Entry]:
        for name in layout.FOLDERS:
            yield f"{layout.ROOT}/{name}", None
        documents = layout.configuration(
            self._job.get("HyperParameters", {}), told(self._job), groups(self._job), host
        )
        for name, content in documents.items():
            yield f"{layout.ROOT}/input/config/{name}", content

    def _output(self, logs: ExitStack, host: str) -> Callable[[bytes], None]:
        """Return what takes the output of a host; its log is open as long as the stack."""
        name = f"{self._job['TrainingJobName']}/{host}-{int(time.time())}"
        clients, role = self._sandbox.clients, self._job["RoleArn"]
        log = logs.enter_context(LogStream(clients, self._region, role, LOG_GROUP, name))
        log.write(f"odyssey sandbox: executor {self._sandbox.executor.name}\n".encode())

        def write(output: bytes) -> None:
            log.write(output)
            self._metrics.read(host, output)

        return write

    def _train(self, cluster: Cluster) -> _Why:
        """Wait until all machines have ended, by themselves or not; return why."""
        deadline = time.monotonic() + self._job["StoppingCondition"]["MaxRuntimeInSeconds"]
        while (why := self._why(cluster, deadline)) is None:
            cluster.wait(LOOK)
        if why is _Why.OUTLASTED:
            self._record.stopping()
        self._end(cluster, SHORT if why is _Why.FAILED else GRACE)
        return why

    def _why(self, cluster: Cluster, deadline: float) -> _Why | None:
        if self._stop.is_set():
            return _Why.STOPPED
        if cluster.failed:
            return _Why.FAILED
        if cluster.is_over:
            return _Why.DONE
        if self._sandbox.tasks.stopping.is_set():
            return _Why.STOPPED
        return _Why.OUTLASTED if time.monotonic() > deadline else None

    def _end(self, cluster: Cluster, grace: float) -> None:
        """End what still runs; where the sandbox stops, soon."""
        stopping = self._sandbox.tasks.stopping
        cluster.stop(grace)
        while not cluster.is_over and not stopping.is_set():
            cluster.wait(LOOK)
        cluster.stop(SHORT)
        while not cluster.is_over:
            cluster.wait(LOOK)
        self._check_sandbox()

    def _reason(self, cluster: Cluster, machines: Mapping[str, Machine]) -> str:
        """Return why the first machine that failed has failed."""
        host, code = cluster.failed or ("", 0)
        end = f", exit code: {code}"
        if machines[host].was_out_of_memory:
            return NO_MEMORY + end
        begin = "AlgorithmError: "
        return begin + failure(machines[host])[: LONGEST - len(begin + end)] + end

    def _leave(self, machines: Mapping[str, Machine], reason: str) -> dict[str, Any]:
        """Upload what the machines leave behind; of a job that has failed, no model.

        Args:
            machines: The machines.
            reason: Why the job has failed; empty where it has not.

        Raises:
            JobError: There is a reason.
            UploadError: S3 refuses.
        """
        with self._folder() as folder:
            made = list(machines.values())
            output = Output(self._client(), self._job, made, folder, self._check_sandbox)
            if reason:
                with contextlib.suppress(UploadError):
                    output.data()
                    output.checkpoints()
                raise JobError(reason)
            model = output.model()
            output.data()
            output.checkpoints()
            return {"ModelArtifacts": {"S3ModelArtifacts": model}}

    def _check(self) -> None:
        self._check_sandbox()
        if self._stop.is_set():
            raise _StoppedError

    def _check_sandbox(self) -> None:
        if self._sandbox.tasks.stopping.is_set():
            raise JobError(SANDBOX_STOPPED)

    def _client(self) -> Any:
        return self._sandbox.clients.client("s3", self._region, self._job["RoleArn"])

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        home = self._sandbox.settings.folder
        with tempfile.TemporaryDirectory(prefix="training-", dir=home) as made:
            yield Path(made)
