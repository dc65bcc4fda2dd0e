"""A role by its ARN or by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey import aws, rules
from odyssey.console import clean
from odyssey.errors import AwsError, UsageError

if TYPE_CHECKING:
    from odyssey.aws import Clients


def arn(given: str, access: Clients) -> str:
    """Return the ARN of a role; AWS is asked only where a name is given.

    Args:
        given: The role's ARN, or its name.
        access: The way to AWS.

    Raises:
        UsageError: It is no ARN of a role, or there is no role of this name.
        AwsError: AWS refuses.
    """
    if given.startswith("arn:"):
        if broken := rules.role(given):
            raise UsageError(f'the role "{clean(given)}" {broken}: arn:aws:iam::ACCOUNT:role/NAME')
        return given
    name = given.rpartition("/")[2]
    try:
        with aws.explained():
            return str(access.client("iam").get_role(RoleName=name)["Role"]["Arn"])
    except AwsError as error:
        told = aws.answer(error).get("Error", {})
        if told.get("Code") in {"NoSuchEntity", "NoSuchEntityException"}:
            raise UsageError(
                f'there is no role "{clean(given)}" in this account',
                "aws iam list-roles --query 'Roles[].Arn'; or leave -r out once the foundation "
                "stack is deployed",
            ) from error
        raise
