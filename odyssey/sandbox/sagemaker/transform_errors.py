"""Why a transform job, or one of its objects, comes to nothing: in SageMaker's words.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-errors.html
"""

from __future__ import annotations

CLIENT = "ClientError: See job logs for more information"
"""The request or the data is at fault."""

ALGORITHM = "AlgorithmError: See job logs for more information"
"""The container is."""

INTERNAL = "InternalServerError: We encountered an internal error.  Please try again."
"""Nobody knows: the container was asked and has not answered."""


class JobFailedError(Exception):
    """A job cannot go on; the text is its failure reason."""


class ObjectFailedError(Exception):
    """An object of the input cannot be transformed; the others can.

    Args:
        told: What the job's data log says of it, line by line.
        reason: What the job's failure reason becomes.
    """

    def __init__(self, *told: str, reason: str = CLIENT) -> None:
        """Keep both."""
        super().__init__("\n".join(told))
        self.told = told
        self.reason = reason
