"""SageMaker's resources by their kinds: names, ARNs, and records in the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.sandbox import listing
from odyssey.sandbox.calls import ACCOUNT, Call, ServiceError
from odyssey.sandbox.sagemaker import tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.store import Store, Table


SERVICE = "sagemaker.amazonaws.com"
"""How roles name SageMaker in the policies that say whom they trust."""


def arn(kind: str, region: str, name: str) -> str:
    """Return the ARN of a resource.

    Args:
        kind: Such as ``endpoint-config``.
        region: Where it is.
        name: Its name.
    """
    return f"arn:aws:sagemaker:{region}:{ACCOUNT}:{kind}/{name}"


class Kind:
    """The records of one kind; whoever looks at one or changes it holds the store's lock.

    Args:
        store: Where they are kept.
        kind: The kind, as ARNs have it, such as ``endpoint-config``.
        word: The beginning of the members' names, such as ``EndpointConfig``.
        what: What AWS calls them in its messages.
    """

    def __init__(self, store: Store, kind: str, word: str, what: str) -> None:
        """They are there already, or not."""
        self._store = store
        self._kind = kind
        self._word = word
        self._what = what

    @property
    def table(self) -> Table:
        """All of them."""
        return self._store.table(f"{self._kind}s")

    def find(self, region: str, name: str) -> dict[str, Any]:
        """Return the record of one.

        Raises:
            ServiceError: There is none.
        """
        found: dict[str, Any] | None = self.table.get((region, name))
        if found is None:
            told = f'Could not find {self._what} "{arn(self._kind, region, name)}".'
            raise ServiceError("ValidationException", told)
        return found

    def require_new(self, region: str, name: str) -> None:
        """Return if there is none of a name.

        Raises:
            ServiceError: There is one.
        """
        if (region, name) in self.table:
            told = arn(self._kind, region, name)
            raise ServiceError(
                "ValidationException", f'Cannot create already existing {self._what} "{told}".'
            )

    def add(self, call: Call, **members: Any) -> dict[str, Any]:
        """Make the record of a new one, and return its ARN as the request's answer.

        Args:
            call: The request that makes it, whose members the record takes over.
            members: Further ones, which go before those of the request where both have them.

        Raises:
            ServiceError: There is one of that name, or its tags break a rule.
        """
        name = call.parameters[f"{self._word}Name"]
        made = arn(self._kind, call.region, name)
        with self._store.lock:
            self.require_new(call.region, name)
            tags.put(self._store, made, call.parameters.get("Tags", ()))
            self.table[call.region, name] = {
                **{member: value for member, value in call.parameters.items() if member != "Tags"},
                f"{self._word}Arn": made,
                "CreationTime": datetime.now(UTC),
                **members,
            }
        return {f"{self._word}Arn": made}

    def remove(self, region: str, name: str) -> None:
        """Forget one, and its tags.

        Raises:
            ServiceError: There is none.
        """
        with self._store.lock:
            tags.drop(self._store, self.find(region, name)[f"{self._word}Arn"])
            del self.table[region, name]

    def page(self, call: Call, *members: str) -> dict[str, Any]:
        """Return a page of those that a request of the kind ``List…`` asks for.

        Args:
            call: The request.
            members: What is told of each besides its name, its ARN and when it was made.
        """
        asked: Mapping[str, Any] = {"SortOrder": "Descending", **call.parameters}
        keys = {"Name": f"{self._word}Name", "Status": f"{self._word}Status"}
        status = asked.get("StatusEquals")
        told = (f"{self._word}Name", f"{self._word}Arn", "CreationTime", *members)
        with self._store.lock:
            here = [
                record
                for (region, _), record in self.table.items()
                if region == call.region and status in (None, record.get(keys["Status"]))
            ]
            return listing.page(
                listing.chosen(here, asked, keys),
                asked,
                f"{self._word}s",
                lambda record: {member: record[member] for member in told},
            )
