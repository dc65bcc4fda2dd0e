"""What security checks find in a construct, and is so by design, with AWS's reason for it.

The CDK keeps an acknowledgment with the construct, where a plug-in such as cdk-nag reads it.
Nothing of it enters the template.

Source: https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk/Validations.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import (
    Acknowledgment,
    CfnElement,
    Reference,
    Stack,
    Stage,
    Token,
    Tokenization,
    Validations,
)

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
    stack = Stack.of(construct)
    arns = stack.resolve([_imported(stack, arn) for arn in reasons])
    Validations.of(construct).acknowledge(
        *(
            Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{_flat(arn)}]", reason=reason)
            for arn, reason in zip(arns, reasons.values(), strict=True)
        )
    )


def _imported(stack: Stack, arn: str) -> str:
    """Return an ARN as a stack has it in the end: what another stack has, it imports.

    The CDK makes exports and imports only when it synthesizes, but their names are settled.
    """
    for token in Tokenization.reverse_string(arn).tokens:
        if isinstance(token, Reference) and CfnElement.is_cfn_element(token.target):
            home = Stack.of(token.target)
            if _can_import(stack, home):
                arn = arn.replace(Token.as_string(token), str(home.export_value(token)))
    return arn


def _can_import(stack: Stack, home: Stack) -> bool:
    """Return whether a stack imports from another by its export: not so across environments."""
    return (
        stack.node.path != home.node.path
        and stack.environment == home.environment
        and stack.nested_stack_parent is None
        and home.nested_stack_parent is None
        and Stage.of(stack) == Stage.of(home)
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
