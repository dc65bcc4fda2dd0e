"""What a service of the sandbox is asked for, and how it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from odyssey.sandbox.iam.identities import Principal

    Handler = Callable[["Call"], Any]

AnyHandler = TypeVar("AnyHandler", bound="Callable[..., Any]")

ACCOUNT = "123456789012"
"""The one account there is."""


@dataclass(frozen=True)
class Call:
    """One request to AWS.

    Args:
        service: The service as boto3 calls it, such as ``sagemaker-runtime``.
        operation: The operation as AWS calls it, such as ``CreateModel``.
        region: The region that the request was signed for.
        parameters: The request's members, as botocore's model names them. Of a request whose
            body is no document, as S3's, only what its URL and its headers say.
        principal: Who asks.
        headers: The headers, by names in lower case.
        body: The body, a stream, of a request whose body is no document.
    """

    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any]
    principal: Principal
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: IO[bytes] | None = field(default=None, repr=False)

    @property
    def action(self) -> str:
        """The name by which a reader knows it, such as ``sagemaker:CreateModel``."""
        return f"{self.service}:{self.operation}"


class ServiceError(Exception):
    """AWS refuses a request.

    Args:
        code: AWS's code, such as ``ValidationException``.
        message: What it says.
        status: The HTTP status.
        members: Further members of the answer.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what is answered."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = dict(members or {})
        self.headers = dict(headers or {})


def operation(service: str, *names: str) -> Callable[[AnyHandler], AnyHandler]:
    """Mark a method as what answers operations of a service.

    The method takes a `Call`, whose parameters keep the rules of AWS's model, and returns the
    answer as a dict of botocore's members, or a werkzeug ``Response`` as it is.

    Args:
        service: The service as boto3 calls it.
        names: The operations as AWS calls them.

    Example:
        >>> class Models:
        ...     @operation("sagemaker", "CreateModel")
        ...     def create(self, call: Call) -> dict[str, Any]: ...
    """

    def mark(method: AnyHandler) -> AnyHandler:
        method.answers = [(service, name) for name in names]  # type: ignore[attr-defined]
        return method

    return mark


def operations(services: Iterable[object]) -> dict[tuple[str, str], Handler]:
    """Return what answers each operation, from the marked methods of objects.

    Raises:
        ValueError: Two methods answer the same operation.
    """
    found: dict[tuple[str, str], Handler] = {}
    for each in services:
        for name in dir(type(each)):
            method = getattr(type(each), name)
            for key in getattr(method, "answers", ()):
                if key in found:
                    raise ValueError(f"two methods answer {key}")
                found[key] = getattr(each, name)
    return found
