"""Tags of SageMaker's resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import Call, ServiceError, operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from odyssey.sandbox.sandbox import Sandbox
    from odyssey.sandbox.store import Store

TABLE = "sagemaker-tags"

MOST = 50
"""Tags of one resource."""

OURS = ("model", "endpoint-config", "endpoint", "training-job", "transform-job")
"""The kinds of resources that are looked for; those that are moto's have tags here, too."""


def put(store: Store, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
    """Set tags of a resource, besides those that it has.

    Args:
        store: Where they are kept.
        arn: The resource's ARN.
        tags: Objects with a Key and a Value.

    Raises:
        ServiceError: There would be too many, or a key is AWS's own.
    """
    with store.lock:
        found = {**store.table(TABLE).get((_region(arn), arn), {})}
        for tag in tags:
            if tag["Key"].lower().startswith("aws:"):
                raise ServiceError(
                    "ValidationException",
                    f"Tag keys starting with 'aws:' are reserved for internal use: {tag['Key']}",
                )
            found[tag["Key"]] = tag["Value"]
        if len(found) > MOST:
            raise ServiceError("ResourceLimitExceeded", f"{arn} may have {MOST} tags at most")
        store.table(TABLE)[_region(arn), arn] = found


def drop(store: Store, arn: str) -> None:
    """Forget the tags of a resource that is no more."""
    with store.lock:
        store.table(TABLE).pop((_region(arn), arn), None)


class Tags:
    """The operations on tags.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """They are in the sandbox's store."""
        self._store = sandbox.store

    @operation("sagemaker", "AddTags")
    def add(self, call: Call) -> dict[str, Any]:
        """Set tags, and return all of them."""
        arn = call.parameters["ResourceArn"]
        with self._store.lock:
            self._require(arn)
            put(self._store, arn, call.parameters["Tags"])
        return self.list(call)

    @operation("sagemaker", "ListTags")
    def list(self, call: Call) -> dict[str, Any]:
        """Return all tags: they fit into the smallest page that one may ask for."""
        arn = call.parameters["ResourceArn"]
        with self._store.lock:
            self._require(arn)
            found = self._store.table(TABLE).get((_region(arn), arn), {})
            return {"Tags": [{"Key": key, "Value": value} for key, value in found.items()]}

    @operation("sagemaker", "DeleteTags")
    def delete(self, call: Call) -> dict[str, Any]:
        """Take tags away."""
        arn = call.parameters["ResourceArn"]
        with self._store.lock:
            self._require(arn)
            found = self._store.table(TABLE).get((_region(arn), arn), {})
            for key in call.parameters["TagKeys"]:
                found.pop(key, None)
        return {}

    def _require(self, arn: str) -> None:
        kind, _, name = arn.split(":", 5)[-1].partition("/")
        if kind in OURS and (_region(arn), name) not in self._store.table(f"{kind}s"):
            what = kind.replace("-", " ")
            raise ServiceError("ValidationException", f'Could not find {what} "{arn}".')


def _region(arn: str) -> str:
    return arn.split(":", 4)[3]
