"""Tags of resources, as templates have them and as each service takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.cloudformation.resources.site import Site

CALLS = {
    "cloudwatch": ("TagResource", "UntagResource", "ResourceARN", "Tags", "TagKeys"),
    "ecr": ("TagResource", "UntagResource", "resourceArn", "tags", "tagKeys"),
    "events": ("TagResource", "UntagResource", "ResourceARN", "Tags", "TagKeys"),
    "iam": ("TagRole", "UntagRole", "RoleName", "Tags", "TagKeys"),
    "kms": ("TagResource", "UntagResource", "KeyId", "Tags", "TagKeys"),
    "lambda": ("TagResource", "UntagResource", "Resource", "Tags", "TagKeys"),
    "logs": ("TagResource", "UntagResource", "resourceArn", "tags", "tagKeys"),
    "sagemaker": ("AddTags", "DeleteTags", "ResourceArn", "Tags", "TagKeys"),
    "sns": ("TagResource", "UntagResource", "ResourceArn", "Tags", "TagKeys"),
    "sqs": ("TagQueue", "UntagQueue", "QueueUrl", "Tags", "TagKeys"),
    "ssm": ("AddTagsToResource", "RemoveTagsFromResource", "ResourceId", "Tags", "TagKeys"),
}
"""How each service is asked: to add, to remove, and what the members of the requests are."""

MAPS = {"lambda", "logs", "sqs"}
"""Services that take tags as an object."""


def pairs(tags: Any) -> dict[str, str]:
    """Return tags of a template, in either form, as a dict."""
    if isinstance(tags, dict):
        return {name: str(value) for name, value in tags.items()}
    return {each["Key"]: str(each["Value"]) for each in tags or []}


def listed(tags: Any, prefix: str = "") -> list[dict[str, str]]:
    """Return tags as a list of objects.

    Args:
        tags: Tags of a template.
        prefix: Stands before ``Key`` and ``Value``, as with KMS.
    """
    return [{f"{prefix}Key": name, f"{prefix}Value": value} for name, value in pairs(tags).items()]


def change(
    site: Site,
    service: str,
    resource: str,
    old: Mapping[str, Any],
    wanted: Mapping[str, Any],
    **more: str,
) -> None:
    """Give a resource the tags that its properties want.

    Args:
        site: Where.
        service: The service.
        resource: Its ARN, or whatever the service calls it by.
        old: Its properties before.
        wanted: Its properties now.
        more: Further members of the requests.
    """
    add, remove, name, tags, keys = CALLS[service]
    before, after = pairs(old.get("Tags")), pairs(wanted.get("Tags"))
    gone = sorted(set(before) - set(after))
    if gone:
        site.ask(service, remove, {name: resource, keys: gone}, **more)
    new: Any = {key: value for key, value in after.items() if before.get(key) != value}
    if new:
        shaped = new if service in MAPS else listed(new, "Tag" if service == "kms" else "")
        site.ask(service, add, {name: resource, tags: shaped}, **more)


def merged(kind: str, properties: dict[str, Any], of_stack: list[dict[str, str]]) -> dict[str, Any]:
    """Return properties with the tags of the stack, where the template has no tag of that name.

    Args:
        kind: `Handler.tags` of the type.
        properties: The properties.
        of_stack: The tags of the stack.
    """
    if not kind or not of_stack:
        return properties
    both = {**pairs(of_stack), **pairs(properties.get("Tags"))}
    return {**properties, "Tags": both if kind == "map" else listed(both)}
