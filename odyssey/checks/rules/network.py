"""Rules of networks: what a model's container or a function reaches, and who reaches it.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from odyssey.checks import limits, policies
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule

if TYPE_CHECKING:
    from odyssey.checks.template import Path_, Resource, Template

_HOSTING = "https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
_INTERNET = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html"
_LEFT = "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1327"
_GROUPS = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html"

MODEL, FUNCTION = "AWS::SageMaker::Model", "AWS::Lambda::Function"
GROUP, SUBNET = "AWS::EC2::SecurityGroup", "AWS::EC2::Subnet"

_MEMBERS = {MODEL: ("Subnets", "SecurityGroupIds"), FUNCTION: ("SubnetIds", "SecurityGroupIds")}
_NOWHERE = ("255.255.255.255/32", "127.0.0.1/32")
"""Addresses that stand for none in a rule of a security group."""


def _networked(found: Template) -> Iterator[Resource]:
    for each in found.of(*_MEMBERS):
        if isinstance(each.raw("VpcConfig"), Mapping):
            yield each


def _targets(found: Resource, *path: str) -> list[Resource]:
    listed = found.raw(*path)
    entries = listed if isinstance(listed, list) else [listed]
    return [target for entry in entries if (target := found.template.target(entry)) is not None]


@rule(
    "NET101",
    Severity.ERROR,
    "template",
    "A function's network has subnets and security groups",
    source=_LAMBDA,
    fix="name 1 to 16 subnets and 1 to 5 security groups, or leave VpcConfig out",
)
def members(found: Template) -> Iterator[Fault]:
    """Lambda refuses a network of which one half is missing, and one with too many."""
    for each in found.of(FUNCTION):
        counted = {}
        for name in _MEMBERS[FUNCTION]:
            value = each.get("VpcConfig", name)
            if isinstance(value, list):
                counted[name] = len(value)
            elif value is None and each.raw("VpcConfig") is not None:
                counted[name] = 0
        if len(counted) < 2 or not any(counted.values()):
            continue
        for name, count in counted.items():
            most = int(limits.of("lambda", "CreateFunction", "VpcConfig", name).max or 16)
            if not 1 <= count <= most:
                path = ("VpcConfig", name)
                yield Fault(f"{count} {name}", each, path, count, f"1 to {most}")


@rule(
    "NET102",
    Severity.WARNING,
    "template",
    "Nobody reaches a model or a function from the internet",
    source=_GROUPS,
    fix="leave the rule out: calls come through SageMaker and Lambda, not through the network",
)
def open_group(found: Template) -> Iterator[Fault]:
    """Neither takes a connection through its network interfaces.

    An open group is of use to whatever else takes it, and to nobody here.
    """
    groups = {g.id: g for each in _networked(found) for g in _groups(each)}
    for group in groups.values():
        for number, entry in enumerate(_list(group.raw("SecurityGroupIngress"))):
            if _is_open(found, entry):
                yield _open(group, ("SecurityGroupIngress", number))
    for entry_ in found.of("AWS::EC2::SecurityGroupIngress"):
        group_ = entry_.target("GroupId")
        if group_ is not None and group_.id in groups and _is_open(found, entry_.properties):
            yield _open(entry_, ())


def _open(resource: Resource, path: Path_) -> Fault:
    return Fault("all addresses may connect", resource, path, "0.0.0.0/0", "named groups")


def _is_open(found: Template, entry: Any) -> bool:
    if not isinstance(entry, Mapping):
        return False
    everywhere = (("CidrIp", "0.0.0.0/0"), ("CidrIpv6", "::/0"))
    return any(bool(found.resolve(entry.get(name)) == all_) for name, all_ in everywhere)


@rule(
    "NET103",
    Severity.INFO,
    "template",
    "A network outlives what is in it",
    source=f"{_LEFT}, https://github.com/hashicorp/terraform-provider-aws/issues/34397",
    fix="keep subnets and security groups in a stack of their own",
)
def same_stack(found: Template) -> Iterator[Fault]:
    """AWS removes network interfaces late, for a function up to 20 minutes or more.

    Until then the subnets and groups cannot be deleted, and deleting the stack waits, or fails.
    """
    for each in _networked(found):
        subnets, groups = _MEMBERS[each.type]
        inside = [*_targets(each, "VpcConfig", subnets), *_targets(each, "VpcConfig", groups)]
        if any(other.type in (GROUP, SUBNET) for other in inside):
            yield Fault("its network is in the same stack", each, ("VpcConfig",))


@rule(
    "NET104",
    Severity.WARNING,
    "template",
    "A model in a VPC may connect to S3",
    source=_HOSTING,
    fix="allow HTTPS (443) outwards, at least to the prefix list of S3",
)
def no_way_out(found: Template) -> Iterator[Fault]:
    """The model is fetched through the VPC: without a way to S3 the endpoint fails, late."""
    for each in found.of(MODEL):
        groups = _groups(each)
        listed = each.raw("VpcConfig", "SecurityGroupIds")
        if not groups or not isinstance(listed, list) or len(groups) < len(listed):
            continue
        if not any(_lets_out(found, group) for group in groups):
            path = ("VpcConfig", "SecurityGroupIds")
            yield Fault("no group lets anything out", each, path, None, "HTTPS to S3")


def _lets_out(found: Template, group: Resource) -> bool:
    told = group.raw("SecurityGroupEgress")
    beside = any(e.target("GroupId") == group for e in found.of("AWS::EC2::SecurityGroupEgress"))
    if told is None or beside or not isinstance(told, list):
        return True
    return any(
        not isinstance(entry, Mapping) or found.resolve(entry.get("CidrIp")) not in _NOWHERE
        for entry in told
    )


@rule(
    "NET105",
    Severity.WARNING,
    "template",
    "A VPC with a model in it has a way to S3",
    source=f"{_HOSTING}, https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc-s3.html",
    fix="add a gateway endpoint for S3 to the subnets' route tables, or a NAT gateway",
)
def no_s3(found: Template) -> Iterator[Fault]:
    """A container in a VPC has no internet: its model comes through an endpoint of the VPC."""
    if any(found.of(*_WAYS)) or any(_is_s3(found, e) for e in found.of("AWS::EC2::VPCEndpoint")):
        return
    for each in found.of(MODEL):
        subnets = [s for s in _targets(each, "VpcConfig", "Subnets") if s.type == SUBNET]
        vpcs = [vpc for s in subnets if (vpc := s.target("VpcId")) is not None]
        if any(vpc.type == "AWS::EC2::VPC" for vpc in vpcs):
            yield Fault(
                "its VPC has neither an endpoint for S3 nor a NAT gateway",
                each,
                ("VpcConfig",),
                None,
                "a way to S3",
            )


_WAYS = (
    "AWS::EC2::NatGateway",
    "AWS::EC2::Instance",
    "AWS::EC2::TransitGatewayAttachment",
    "AWS::EC2::TransitGatewayVpcAttachment",
    "AWS::EC2::VPCPeeringConnection",
    "AWS::EC2::VPNGatewayRoutePropagation",
)
"""What may be a way out of a VPC."""


def _is_s3(found: Template, endpoint: Resource) -> bool:
    name = policies.text(found, endpoint.raw("ServiceName"))
    return name.endswith((".s3", policies.HOLE))


@rule(
    "NET106",
    Severity.WARNING,
    "template",
    "A function in a VPC is in private subnets",
    source=_INTERNET,
    fix="take private subnets, with a NAT gateway where the function needs the internet",
)
def public_subnet(found: Template) -> Iterator[Fault]:
    """A function has no public address, also in a public subnet, so that it reaches no internet."""
    for each in found.of(FUNCTION):
        subnets = _targets(each, "VpcConfig", "SubnetIds")
        public = [s.id for s in subnets if s.get("MapPublicIpOnLaunch") in (True, "true")]
        if public:
            yield Fault(
                f"{public[0]} is a public subnet",
                each,
                ("VpcConfig", "SubnetIds"),
                public[0],
                "private subnets",
            )


def _groups(found: Resource) -> list[Resource]:
    path = ("VpcConfig", _MEMBERS[found.type][1])
    return [group for group in _targets(found, *path) if group.type == GROUP]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
