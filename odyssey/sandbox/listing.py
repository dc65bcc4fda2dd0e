"""Lists in pages, as the operations ``List…`` of SageMaker give them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Record = Mapping[str, Any]

PAGE = 10
"""Records of a page where the request does not say."""


def chosen(
    records: Iterable[Record],
    asked: Mapping[str, Any],
    keys: Mapping[str, str],
    *,
    default: str = "CreationTime",
) -> list[Record]:
    """Return the records that a request asks for, in the order that it asks for.

    Args:
        records: All of them.
        asked: The request: NameContains, CreationTimeAfter and so on, SortBy, SortOrder.
        keys: The members of a record by which the request knows them: ``Name``, ``Status``.
        default: What they are sorted by where the request does not say.
    """
    by = asked.get("SortBy", default)
    key = keys.get(by, by)
    found = [record for record in records if _matches(record, asked, keys["Name"])]
    # Those of the same time or status are in the order of their names.
    found.sort(key=lambda record: (record[key], record[keys["Name"]]))
    return found[::-1] if asked.get("SortOrder") == "Descending" else found


def page(
    records: Sequence[Record],
    asked: Mapping[str, Any],
    member: str,
    summary: Callable[[Record], Mapping[str, Any]],
) -> dict[str, Any]:
    """Return an answer: the next records, and the token that leads to those after them.

    Args:
        records: All that are asked for.
        asked: The request: MaxResults, NextToken.
        member: The answer's member that takes them.
        summary: Returns what is told of a record.

    Raises:
        ServiceError: The token is none.
    """
    begin = _begin(asked.get("NextToken"))
    end = begin + asked.get("MaxResults", PAGE)
    answer: dict[str, Any] = {member: [summary(record) for record in records[begin:end]]}
    if end < len(records):
        answer["NextToken"] = base64.b64encode(str(end).encode()).decode()
    return answer


def _begin(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError):
        raise ServiceError("ValidationException", "Invalid pagination token") from None


def _matches(record: Record, asked: Mapping[str, Any], name: str) -> bool:
    if asked.get("NameContains", "").lower() not in record[name].lower():
        return False
    return all(
        asked.get(f"{time}After", record[time]) <= record[time]
        and record[time] <= asked.get(f"{time}Before", record[time])
        for time in ("CreationTime", "LastModifiedTime")
        if time in record
    )
