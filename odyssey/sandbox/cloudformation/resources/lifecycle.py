"""The lifecycle of a bucket's objects, which CloudFormation writes otherwise than S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.cloudformation.resources.requests import known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KNOWN = (
    "AbortIncompleteMultipartUpload ExpirationDate ExpirationInDays ExpiredObjectDeleteMarker Id "
    "NoncurrentVersionExpiration NoncurrentVersionExpirationInDays NoncurrentVersionTransitions "
    "ObjectSizeGreaterThan ObjectSizeLessThan Prefix Status TagFilters Transitions"
)

_NAMES = {
    "ExpirationDate": "Date",
    "ExpirationInDays": "Days",
    "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
}
_TRANSITION = {
    "TransitionDate": "Date",
    "TransitionInDays": "Days",
}


def rules(wanted: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules of ``LifecycleConfiguration`` as S3 takes them.

    Raises:
        ResourceError: A rule has a property that is not known.
    """
    return [_rule(rule) for rule in wanted]


def _rule(wanted: Mapping[str, Any]) -> dict[str, Any]:
    known("a rule of LifecycleConfiguration", wanted, KNOWN)
    rule: dict[str, Any] = {"Status": wanted["Status"], "Filter": _filter(wanted)}
    if "Id" in wanted:
        rule["ID"] = wanted["Id"]
    expiration = {_NAMES[name]: wanted[name] for name in _NAMES if name in wanted}
    if expiration:
        rule["Expiration"] = expiration
    for name in ("AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"):
        if name in wanted:
            rule[name] = wanted[name]
    if "NoncurrentVersionExpirationInDays" in wanted:
        days = wanted["NoncurrentVersionExpirationInDays"]
        rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    if "Transitions" in wanted:
        rule["Transitions"] = [renamed(each, _TRANSITION) for each in wanted["Transitions"]]
    if "NoncurrentVersionTransitions" in wanted:
        days_of_it = {"TransitionInDays": "NoncurrentDays"}
        rule["NoncurrentVersionTransitions"] = [
            renamed(each, days_of_it) for each in wanted["NoncurrentVersionTransitions"]
        ]
    return rule


def _filter(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the rule is for; more than one condition must be joined."""
    sizes = ("ObjectSizeGreaterThan", "ObjectSizeLessThan")
    conditions: dict[str, Any] = {name: wanted[name] for name in sizes if name in wanted}
    labels = [{"Key": each["Key"], "Value": each["Value"]} for each in wanted.get("TagFilters", [])]
    prefix = wanted.get("Prefix", "")
    if not conditions and not labels:
        return {"Prefix": prefix}
    if len(conditions) + len(labels) == 1 and not prefix:
        return conditions or {"Tag": labels[0]}
    joined = {**conditions, **({"Tags": labels} if labels else {})}
    return {"And": {**joined, **({"Prefix": prefix} if prefix else {})}}


def renamed(wanted: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return properties under the names that S3 has for them, where it has others."""
    return {names.get(name, name): value for name, value in wanted.items()}
