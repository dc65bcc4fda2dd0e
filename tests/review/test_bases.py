"""Where the two sides of a review come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from odyssey.errors import AwsError
from odyssey.review import bases, service
from odyssey.review.side import Side
from tests.functional.stacks import FakeClients, FakeCloudFormation, refusal, write_assembly
from tests.review.cases import app, side

TOPIC = {"Resources": {"Told": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "a"}}}}


def deployed(cloud: FakeCloudFormation, head: Side) -> Side:
    return bases.of_deployed(head, bases.clients_of(FakeClients(cloud), head), "eu-west-1")


def test_what_is_deployed_is_read_as_json_and_as_yaml_with_short_forms() -> None:
    # given
    cloud = FakeCloudFormation()
    head = side("head", {"app-a": TOPIC, "app-b": TOPIC, "app-new": TOPIC})
    cloud.put("app-a", "UPDATE_COMPLETE", Tags=[{"Key": "team", "Value": "ml"}])
    cloud.put("app-b", "CREATE_COMPLETE", EnableTerminationProtection=True)
    cloud.templates["app-a"] = TOPIC
    cloud.templates["app-b"] = (
        "Resources:\n  Told:\n    Type: AWS::SNS::Topic\n"
        "    Properties:\n      TopicName: !Ref AWS::StackName\n"
    )
    # when
    found = deployed(cloud, head)
    # then
    assert found.words == "deployed in eu-west-1"
    assert list(found.stacks) == ["app-a", "app-b"]
    assert found.tags == {"app-a": {"team": "ml"}, "app-b": {}}
    assert found.protected == {"app-b"}
    assert found.resources["app-b", "Told"].properties == {"TopicName": {"Ref": "AWS::StackName"}}


def test_a_stack_that_awaits_its_first_change_set_is_not_deployed() -> None:
    cloud = FakeCloudFormation()
    cloud.put("app-a", "REVIEW_IN_PROGRESS")
    assert deployed(cloud, side("head", {"app-a": TOPIC})).templates == ()


def test_a_refusal_of_aws_is_one_with_a_way_out() -> None:
    class Refusing(FakeCloudFormation):
        def describe_stacks(self, StackName: str = "") -> dict[str, object]:  # noqa: N803
            raise refusal("AccessDenied", "You may not")

    class Access(FakeClients):
        region = "eu-west-1"

    with pytest.raises(AwsError, match="You may not") as caught:
        service._deployed(side("head", {"app-a": TOPIC}), Access(Refusing()))  # type: ignore[arg-type]
    assert "odyssey review --base REF or --base DIR" in str(caught.value.hint)


def test_files_of_templates_are_put_in_the_order_of_their_exports(tmp_path: Path) -> None:
    made = {
        "a-user": {
            "Resources": {
                "It": {
                    "Type": "AWS::SNS::Topic",
                    "Properties": {"TopicName": {"Fn::ImportValue": "out"}},
                }
            }
        },
        "b-owner": {**TOPIC, "Outputs": {"Out": {"Value": "x", "Export": {"Name": "out"}}}},
    }
    for name, body in made.items():
        (tmp_path / f"{name}.template.json").write_text(json.dumps(body))
    assert list(bases.of_assembly(tmp_path).stacks) == ["b-owner", "a-user"]


def test_an_assembly_brings_construct_paths_tags_and_protection(tmp_path: Path) -> None:
    folder = write_assembly(
        tmp_path / "out", {"app-a": TOPIC}, tags={"team": "ml"}, terminationProtection=True
    )
    found = bases.of_assembly(folder)
    assert found.resources["app-a", "Told"].construct == "Told"
    assert (found.protected, found.tags) == ({"app-a"}, {"app-a": {"team": "ml"}})


def test_one_environment_of_an_assembly_can_be_taken(tmp_path: Path) -> None:
    folder = write_assembly(tmp_path / "out", {"app-a": TOPIC, "app-prod-a": TOPIC})
    assert list(bases.of_assembly(folder, (), ("app", "prod")).stacks) == ["app-prod-a"]


def test_findings_are_sorted_into_those_that_come_stay_and_go() -> None:
    open_ = app("real-time")
    for resource in open_["iris-foundation"]["Resources"].values():
        if resource["Type"] == "AWS::S3::Bucket":
            blocked = resource["Properties"]["PublicAccessBlockConfiguration"]
            blocked["BlockPublicPolicy"] = False
    good, bad = side("good", app("real-time")), side("bad", open_)
    worse = service.of_sides(good, bad, app="iris")
    better = service.of_sides(bad, good, app="iris")
    same = service.of_sides(bad, bad, app="iris")
    assert worse.brought
    assert all(finding.place.line for finding in worse.brought)
    assert [f.rule for f in worse.brought] == [f.rule for f in better.gone]
    assert (worse.gone, better.brought) == ((), ())
    assert (same.brought, same.gone) == ((), ())
    assert len(same.kept) == len(worse.brought) + len(worse.kept)
