from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter, Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from cdk_constructs.model import SageMakerModel
from cdk_constructs.network import Network
from tests.template.serving import (
    IMAGE,
    MODEL,
    NETWORK,
    allowed,
    flat,
    of_type,
    properties,
    resources,
    stack,
    synthesized,
)

GROUP = "AWS::EC2::SecurityGroup"
SUBNET, GROUP_ID = "subnet-0a1b2c3d", "sg-0a1b2c3d"


@pytest.fixture(scope="module")
def in_own_vpc() -> dict[str, Any]:
    made = stack()
    vpc = ec2.Vpc(made, "Vpc", max_azs=2)
    SageMakerModel(made, "Model", image=IMAGE, network=Network.from_vpc(vpc))
    return resources(made)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"subnets": []}, "0 subnets: must be from 1 to 16"),
        ({"subnets": [f"subnet-0a1b2c{n:02}" for n in range(17)]}, "17 subnets"),
        ({"subnets": ["vpc-0a1b2c3d"]}, 'subnets "vpc-0a1b2c3d": must be "subnet-"'),
        ({"subnets": [SUBNET, SUBNET]}, f"subnets given twice: {SUBNET}"),
        ({"security_groups": []}, "0 security_groups: must be from 1 to 5"),
        ({"security_groups": [f"sg-0a1b2c{n:02}" for n in range(6)]}, "6 security_groups"),
        ({"security_groups": ["default"]}, 'security_groups "default": must be "sg-"'),
    ],
)
def test_ids_are_checked(setting: dict[str, Any], said: str) -> None:
    ids = {"subnets": [SUBNET], "security_groups": [GROUP_ID], **setting}
    with pytest.raises(ValueError, match="^Network: ") as refusal:
        Network.from_ids(**ids)
    assert said in str(refusal.value)


def test_a_model_without_a_security_group_gets_one_of_its_own(in_own_vpc: dict[str, Any]) -> None:
    ((name, group),) = of_type(in_own_vpc, GROUP).items()
    egress = group["Properties"]["SecurityGroupEgress"]
    assert properties(in_own_vpc, MODEL)["VpcConfig"]["SecurityGroupIds"] == [
        {"Fn::GetAtt": [name, "GroupId"]}
    ]
    assert [rule["CidrIp"] for rule in egress] == ["0.0.0.0/0"]
    assert "SecurityGroupIngress" not in group["Properties"]


def test_the_private_subnets_are_used(in_own_vpc: dict[str, Any]) -> None:
    subnets = properties(in_own_vpc, MODEL)["VpcConfig"]["Subnets"]
    assert len(subnets) == 2
    assert all("Private" in subnet["Ref"] for subnet in subnets)


def test_other_subnets_and_groups_may_be_chosen() -> None:
    # given
    made = stack()
    vpc = ec2.Vpc(made, "Vpc", max_azs=2)
    group = ec2.SecurityGroup(made, "Group", vpc=vpc)
    public = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)

    # when
    network = Network.from_vpc(vpc, subnets=public, security_groups=[group])
    SageMakerModel(made, "Model", image=IMAGE, network=network)

    # then
    config = properties(resources(made), MODEL)["VpcConfig"]
    assert all("Public" in subnet["Ref"] for subnet in config["Subnets"])
    assert [flat(each)[:6] for each in config["SecurityGroupIds"]] == ["<Group"]


def test_lists_known_only_at_deployment_are_passed_on() -> None:
    # given
    made = stack()
    ids = CfnParameter(made, "Ids", type="List<AWS::EC2::Subnet::Id>").value_as_list
    groups = Fn.split(",", CfnParameter(made, "Groups").value_as_string)
    vpc = ec2.Vpc.from_vpc_attributes(
        made,
        "Vpc",
        vpc_id="vpc-0a1b2c3d",
        availability_zones=["eu-west-1a"],
        private_subnet_ids=Fn.split(",", CfnParameter(made, "Private").value_as_string),
    )

    # when
    one = SageMakerModel(
        made, "One", image=IMAGE, network=Network.from_ids(subnets=ids, security_groups=groups)
    )
    two = SageMakerModel(made, "Two", image=IMAGE, network=Network.from_vpc(vpc))

    # then
    found = resources(made)
    configs = [each["Properties"]["VpcConfig"] for each in of_type(found, MODEL).values()]
    assert configs[0]["Subnets"] == {"Ref": "Ids"}
    assert configs[0]["SecurityGroupIds"] == {"Fn::Split": [",", {"Ref": "Groups"}]}
    assert configs[1]["Subnets"] == {"Fn::Split": [",", {"Ref": "Private"}]}
    with pytest.raises(ValueError, match="Stack/One: no connections: .* known only at deployment"):
        _ = one.connections
    assert two.connections


def test_a_group_s_description_is_what_ec2_takes() -> None:
    # given
    made = stack()
    place = Construct(Construct(made, 'Zürich\'s "Churn"'), "a" * 250)
    vpc = ec2.Vpc(made, "Vpc", max_azs=1)

    # when
    SageMakerModel(place, "Model", image=IMAGE, network=Network.from_vpc(vpc))

    # then
    text = properties(resources(made), GROUP)["GroupDescription"]
    assert text.startswith("The containers of the model Stack/Z_rich_s _Churn_/aaa")
    assert len(text) == 255


def test_too_many_groups_of_a_vpc_are_refused() -> None:
    vpc = ec2.Vpc(stack(), "Vpc", max_azs=1)
    with pytest.raises(ValueError, match="0 security_groups: must be from 1 to 5"):
        Network.from_vpc(vpc, security_groups=[])


def test_network_interfaces_are_granted_in_these_subnets_alone() -> None:
    found = synthesized(lambda scope: SageMakerModel(scope, "Model", image=IMAGE, network=NETWORK))
    places = [
        flat(place).rsplit(":", 1)[1] for place in allowed(found, "ec2:CreateNetworkInterface")
    ]
    assert places == [
        "network-interface/*",
        "subnet/subnet-0a1b2c3d",
        "subnet/subnet-0a1b2c3e",
        "security-group/sg-0a1b2c3d",
    ]


def test_connections_open_the_groups_of_the_model() -> None:
    # given
    made = stack()
    vpc = ec2.Vpc(made, "Vpc", max_azs=1)
    database = ec2.SecurityGroup(made, "Database", vpc=vpc)
    model = SageMakerModel(made, "Model", image=IMAGE, network=NETWORK)

    # when
    database.connections.allow_from(model.connections, ec2.Port.tcp(5432))
    database.connections.allow_from(model.connections, ec2.Port.tcp(5433))

    # then
    rules = of_type(resources(made), "AWS::EC2::SecurityGroupIngress").values()
    sources = {rule["Properties"]["SourceSecurityGroupId"] for rule in rules}
    assert (len(rules), sources) == (2, {"sg-0a1b2c3d"})


def test_a_model_in_no_vpc_has_no_connections() -> None:
    model = SageMakerModel(stack(), "Model", image=IMAGE)
    with pytest.raises(ValueError, match="Stack/Model: no connections"):
        _ = model.connections
