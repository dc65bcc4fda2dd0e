"""Which subnets and security groups a model's containers are in.

SageMaker makes a network interface in a subnet for each instance. They may stay for a while after
the endpoint is gone, and keep their subnets and security groups from being deleted: a VPC in a
stack of its own is not held up.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_constructs.validation import Problems, is_list_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ec2 as ec2
    from constructs import Construct

_SELECTION = (
    "availability_zones",
    "one_per_az",
    "subnet_filters",
    "subnet_group_name",
    "subnet_type",
    "subnets",
)
"""What an `ec2.SubnetSelection` has, by name: `select_subnets` takes these, not the object."""


_HEX = r"[0-9a-f]{8}(?:[0-9a-f]{9})?"

_NOT_IN_DESCRIPTION = re.compile(r"[^a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]")
_LONGEST_DESCRIPTION = 255
"""What EC2 takes in the description of a security group.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
"""


class Network(ABC):
    """A model's place in a VPC; made by one of the two factories.

    Example:
        >>> Network.from_ids(subnets=["subnet-0a1b2c3d"], security_groups=["sg-0a1b2c3d"])
    """

    @staticmethod
    def from_vpc(
        vpc: ec2.IVpc,
        *,
        subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
    ) -> Network:
        """Return a place in a VPC of this app, or in an imported one.

        Args:
            vpc: The VPC.
            subnets: Which of its subnets, 1 to 16. Default: the private ones with a way out.
            security_groups: 1 to 5. Default: one for each model, with all traffic out and none in.

        Raises:
            ValueError: There are too few or too many.
        """
        chosen = vpc.select_subnets(
            **({} if subnets is None else {name: getattr(subnets, name) for name in _SELECTION})
        )
        groups = None if security_groups is None else tuple(security_groups)
        return _VpcNetwork(vpc, tuple(chosen.subnet_ids), groups)

    @staticmethod
    def from_ids(*, subnets: Sequence[str], security_groups: Sequence[str]) -> Network:
        """Return a place in a VPC that is known by ids alone.

        Args:
            subnets: Ids of 1 to 16 subnets, ``subnet-0a1b2c3d``.
            security_groups: Ids of 1 to 5 security groups, ``sg-0a1b2c3d``.

        Raises:
            ValueError: There are too few or too many, or one is not such an id.
        """
        return _IdNetwork(tuple(subnets), tuple(security_groups))

    @abstractmethod
    def bind(self, scope: Construct) -> BoundNetwork:
        """Return the subnets and security groups for a model, making what is missing.

        Args:
            scope: The model.
        """


@dataclass(frozen=True)
class BoundNetwork:
    """The place of one model.

    Args:
        scope: The model.
        subnet_ids: Ids of its subnets.
        security_group_ids: Ids of its security groups.
        security_groups: The groups themselves, where they are known as constructs.
    """

    scope: Construct
    subnet_ids: list[str]
    security_group_ids: list[str]
    security_groups: tuple[ec2.ISecurityGroup, ...] | None

    def connections(self) -> ec2.Connections:
        """Return what opens and closes the network to the model."""
        from aws_cdk import aws_ec2 as ec2

        groups = self.security_groups
        if groups is None and is_list_token(self.security_group_ids):
            raise ValueError(
                f"{self.scope.node.path}: no connections: the list of security groups is known "
                "only at deployment"
            )
        if groups is None:
            groups = tuple(
                ec2.SecurityGroup.from_security_group_id(self.scope, f"SecurityGroup{place}", group)
                for place, group in enumerate(self.security_group_ids, start=1)
            )
        return ec2.Connections(security_groups=list(groups))


@dataclass(frozen=True)
class _VpcNetwork(Network):
    vpc: ec2.IVpc
    subnet_ids: tuple[str, ...]
    security_groups: tuple[ec2.ISecurityGroup, ...] | None

    def __post_init__(self) -> None:
        problems = Problems("Network")
        problems.count("subnets", self.subnet_ids, low=1, high=16)
        if self.security_groups is not None:
            problems.count("security_groups", self.security_groups, low=1, high=5)
        problems.raise_any()

    def bind(self, scope: Construct) -> BoundNetwork:
        groups = (self._group(scope),) if self.security_groups is None else self.security_groups
        ids = [group.security_group_id for group in groups]
        return BoundNetwork(scope, list(self.subnet_ids), ids, groups)

    def _group(self, scope: Construct) -> ec2.ISecurityGroup:
        from aws_cdk import aws_ec2 as ec2

        text = _NOT_IN_DESCRIPTION.sub("_", f"The containers of the model {scope.node.path}")
        return ec2.SecurityGroup(
            scope, "SecurityGroup", vpc=self.vpc, description=text[:_LONGEST_DESCRIPTION]
        )


@dataclass(frozen=True)
class _IdNetwork(Network):
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        problems = Problems("Network")
        problems.count("subnets", self.subnet_ids, low=1, high=16)
        problems.count("security_groups", self.security_group_ids, low=1, high=5)
        problems.unique("subnets", self.subnet_ids)
        problems.unique("security_groups", self.security_group_ids)
        for subnet in self.subnet_ids:
            problems.matches("subnets", subnet, rf"subnet-{_HEX}", _id_rule("subnet"))
        for group in self.security_group_ids:
            problems.matches("security_groups", group, rf"sg-{_HEX}", _id_rule("sg"))
        problems.raise_any()

    def bind(self, scope: Construct) -> BoundNetwork:
        return BoundNetwork(scope, list(self.subnet_ids), list(self.security_group_ids), None)


def _id_rule(prefix: str) -> str:
    return f'must be "{prefix}-" and 8 or 17 hexadecimal digits in lower case'
