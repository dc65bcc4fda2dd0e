"""Training and transform jobs as SageMaker's API knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import aws
from odyssey.console import clean, note
from odyssey.errors import AwsError
from odyssey.jobs.logs import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDED = frozenset({"Completed", "Failed", "Stopped"})
"""The statuses of a job that nothing more happens to."""


@dataclass(frozen=True)
class Kind:
    """A kind of job, in the words of SageMaker's API.

    Args:
        noun: What a reader calls it.
        word: How the API's operations call it.
        log_group: The log group of its containers.
    """

    noun: str
    word: str
    log_group: str

    @property
    def name_key(self) -> str:
        """The member of requests that has its name: ``TrainingJobName``."""
        return f"{self.word}JobName"

    @property
    def status_key(self) -> str:
        """The member of a description that has its status: ``TrainingJobStatus``."""
        return f"{self.word}JobStatus"

    def operation(self, verb: str) -> str:
        """Return the method of a client that does something to it: ``stop_training_job``."""
        return f"{verb}_{self.word.lower()}_job"


TRAINING = Kind("training job", "Training", "/aws/sagemaker/TrainingJobs")
TRANSFORM = Kind("transform job", "Transform", "/aws/sagemaker/TransformJobs")


@dataclass(frozen=True)
class Job:
    """One job.

    Args:
        kind: `TRAINING` or `TRANSFORM`.
        name: Its name.
        again: Options that lead to it again, for hints, such as ``--env prod``; see `again`.
    """

    kind: Kind
    name: str
    again: str = ""

    @property
    def log(self) -> Place:
        """Where the log of its containers is."""
        return Place(self.kind.log_group, f"{self.name}/")

    def describe(self, client: Any) -> dict[str, Any]:
        """Return what SageMaker says of it.

        Args:
            client: A client of boto3 for ``sagemaker``.

        Raises:
            AwsError: AWS refuses, or there is no such job; `is_absent` tells.
        """
        with aws.explained():
            told: dict[str, Any] = getattr(client, self.kind.operation("describe"))(
                **{self.kind.name_key: self.name}
            )
            return told

    def find(self, client: Any) -> dict[str, Any] | None:
        """Return what SageMaker says of it, or None where there is no such job.

        Raises:
            AwsError: AWS refuses.
        """
        try:
            return self.describe(client)
        except AwsError as error:
            if is_absent(error):
                return None
            raise

    def status(self, told: Mapping[str, Any]) -> str:
        """Return its status, of what SageMaker says: ``InProgress``, ``Completed`` and so on."""
        return str(told.get(self.kind.status_key, "InProgress"))

    def command(self, verb: str, *options: str) -> str:
        """Return a command to type about it: ``odyssey sagemaker stop JOB``."""
        words = ["odyssey sagemaker", verb, self.name, *options, self.again]
        return " ".join(word for word in words if word)


def hyphened(name: str) -> str:
    """Return a name as SageMaker takes it: ``_`` becomes ``-``, and that is said.

    Args:
        name: The name of a job, a model or an endpoint.
    """
    found = name.replace("_", "-")
    if found != name:
        note(f'"{clean(name)}" becomes "{clean(found)}": SageMaker takes no "_"')
    return found


def is_absent(error: AwsError) -> bool:
    """Return whether AWS refused because there is nothing of that name."""
    told = told_by(error)
    message = str(told.get("Message", "")).lower()
    absent = any(words in message for words in ("not found", "could not find", "does not exist"))
    return told.get("Code") in {"ResourceNotFound", "ResourceNotFoundException"} or (
        str(told.get("Code", "")).startswith("Validation") and absent
    )


def told_by(error: AwsError) -> Mapping[str, Any]:
    """Return the code and the message of AWS's that are behind an error; empty where none are."""
    told: Mapping[str, Any] = aws.answer(error).get("Error", {})
    return told
