"""What security checks find in a construct, and is so by design, with AWS's reason for it.

The CDK keeps an acknowledgment with the construct, where a plug-in such as cdk-nag reads it.
Nothing of it enters the template.

Source: https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk/Validations.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, Stack, Validations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Acknowledge what a rule finds in a construct and in what is under it.

    Args:
        construct: The construct that causes the finding.
        rule: The rule's name, such as ``AwsSolutions-S1``.
        reason: Why it is so.
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_wildcards(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Acknowledge the resources with a ``*`` in the policies of a construct.

    Args:
        construct: The role or the policy.
        reasons: The reason for each resource, by its ARN as the statement has it.
    """
    arns = Stack.of(construct).resolve(list(reasons))
    Validations.of(construct).acknowledge(
        *(
            Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{_flat(arn)}]", reason=reason)
            for arn, reason in zip(arns, reasons.values(), strict=True)
        )
    )


def _flat(value: object) -> str:
    """Return a template's value in one text, as cdk-nag names what it finds."""
    match value:
        case str():
            return value
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(_flat(part) for part in parts)
        case {"Fn::ImportValue": name}:
            return _flat(name)
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
    return json.dumps(value, separators=(",", ":"))
