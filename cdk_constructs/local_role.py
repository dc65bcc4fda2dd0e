"""A role of one stack, in another stack that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Names, Stack
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from constructs import Construct


def local_role(scope: Construct, role: iam.IRole) -> iam.IRole:
    """Return a role whose new policies are made in the scope's stack.

    A role of the CDK keeps its policy in its own stack. Where the role is granted something of a
    stack that refers to the role, each of the two stacks would have to be deployed first.

    Args:
        scope: What is about to grant something to the role.
        role: The role, of the same stack or another.

    Returns:
        The role itself, where it is imported or of the same stack.
    """
    if not isinstance(role, iam.Role) or Stack.of(role).node.addr == Stack.of(scope).node.addr:
        return role
    # By default a policy of an imported role may have the same name in each stack.
    policy = Names.unique_resource_name(scope, max_length=128)
    return iam.Role.from_role_name(scope, "LocalRole", role.role_name, default_policy_name=policy)
