"""What changes really do: each consequence at a change that has it, and not at one that has not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from odyssey.review import service
from odyssey.review.comparison import compare
from odyssey.review.consequences.catalogue import _tellers
from odyssey.review.report import Rank, ResourceChange
from tests.review.cases import (
    CONFIG,
    ENDPOINT,
    Bodies,
    Edit,
    app,
    properties,
    several,
    side,
    template,
    variant,
)

TARGET, MODEL = "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::SageMaker::Model"


def changes(before: Bodies, after: Bodies) -> tuple[ResourceChange, ...]:
    return service.changes(compare(side("base", before), side("head", after)))


def told(before: Bodies, after: Bodies) -> dict[str, tuple[str, Rank, str]]:
    """Each consequence by its id: of which type, how important, in which words."""
    return {
        each.id: (change.type, each.rank, each.text)
        for change in changes(before, after)
        for each in change.consequences
    }


def of_app(name: str, head: Edit, base: Edit = lambda stacks: None) -> dict[str, Any]:
    before, after = app(name), app(name)
    base(before)
    base(after)
    head(after)
    return told(before, after)


def of(kind: str, base: dict[str, Any], head: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """What follows where one resource has these properties before and those after."""
    old = {"Type": kind, "Properties": base, **more}
    new = {} if head is None else {"It": {"Type": kind, "Properties": head, **more}}
    return told(template(It=old), {"app-stack": {"Resources": copy.deepcopy(new)}})


def set_on(kind: str, **values: Any) -> Edit:
    def edit(stacks: Bodies) -> None:
        found = properties(stacks["iris-endpoint"], kind)
        for name, value in values.items():
            found.pop(name, None) if value is None else found.update({name: value})

    return edit


def on_variant(**values: Any) -> Edit:
    return lambda stacks: variant(stacks).update(values)


def without(kind: str) -> Edit:
    def edit(stacks: Bodies) -> None:
        body = stacks["iris-endpoint"]["Resources"]
        for id_ in [id_ for id_, each in body.items() if each["Type"] == kind]:
            del body[id_]

    return edit


def to_instances(stacks: Bodies) -> None:
    found = variant(stacks)
    del found["ServerlessConfig"]
    found.update(InstanceType="ml.m5.large", InitialInstanceCount=1)


OTHER_DATA = several(
    lambda stacks: properties(stacks["iris-endpoint"], MODEL)["PrimaryContainer"].update(
        ModelDataUrl="s3://other/model.tar.gz"
    )
)
NOT_RETAINED = set_on(ENDPOINT, RetainAllVariantProperties=None)
LINEAR = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "LINEAR",
            "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
            "WaitIntervalInSeconds": 300,
        }
    }
}
ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 90,
    }
}


def test_an_endpoint_rolls_as_its_rollout_says() -> None:
    canary = of_app("guarded", OTHER_DATA)["blue-green"][2]
    assert "10 percent first, and the rest after 10 min" in canary
    assert "(2 x ml.c6i.xlarge twice)" in canary
    assert "for at least 15 min" in canary
    linear = of_app("guarded", several(OTHER_DATA, set_on(ENDPOINT, DeploymentConfig=LINEAR)))
    assert "25 percent at a time, 5 min apart" in linear["blue-green"][2]
    assert "for at least 15 min" in linear["blue-green"][2]
    assert linear["rollback-removed"][1] is Rank.CAUTION
    rolling = of_app("guarded", several(OTHER_DATA, set_on(ENDPOINT, DeploymentConfig=ROLLING)))
    assert "1 instance at a time, with 90 s after each batch" in rolling["rolling"][2]
    assert "all traffic at once" in of_app("real-time", OTHER_DATA)["blue-green"][2]
    assert "nothing runs twice" in of_app("serverless", OTHER_DATA)["blue-green"][2]


def test_an_instance_type_does_not_change_while_a_variant_scales() -> None:
    other = on_variant(InstanceType="ml.c7i.large")
    found = of_app("guarded", other)
    assert found["scaled-instance-type"][1] is Rank.DANGER
    assert "ml.c6i.xlarge to ml.c7i.large" in found["scaled-instance-type"][2]
    # A rollout that is refused is not told.
    assert not {"blue-green", "rollback", "instances"} & set(found)
    both = several(other, without(TARGET), without("AWS::ApplicationAutoScaling::ScalingPolicy"))
    assert "scaled-instance-type" in of_app("guarded", both)
    unscaled = of_app("guarded", other, without(TARGET))
    assert "scaled-instance-type" not in unscaled
    assert unscaled["instances"][2].endswith("ml.c6i.xlarge becomes ml.c7i.large.")


def test_an_update_resets_the_count_unless_it_retains_it() -> None:
    assert "count-reset" not in of_app("guarded", OTHER_DATA)
    found = of_app("guarded", OTHER_DATA, NOT_RETAINED)
    assert "(AllTraffic to 2)" in found["count-reset"][2]
    assert "count-reset" not in of_app("real-time", OTHER_DATA)


def test_what_is_retained_hides_what_is_configured() -> None:
    more = on_variant(InitialInstanceCount=5)
    found = of_app("guarded", more)
    assert "InitialInstanceCount 2 to 5 changes nothing" in found["ignored"][2]
    assert "ignored" not in of_app("guarded", more, NOT_RETAINED)
    # DesiredWeight and DataCaptureConfig are excluded from what is retained.
    assert "ignored" not in of_app("guarded", on_variant(InitialVariantWeight=2))
    assert "ignored" not in of_app("guarded", set_on(CONFIG, DataCaptureConfig=None))
    all_retained = set_on(ENDPOINT, ExcludeRetainedVariantProperties=None)
    found = of_app("guarded", set_on(CONFIG, DataCaptureConfig=None), all_retained)
    assert "DataCaptureConfig changes nothing" in found["ignored"][2]


def test_serverless_is_a_way_of_one_direction() -> None:
    def serverless(stacks: Bodies) -> None:
        found = variant(stacks)
        del found["InstanceType"], found["InitialInstanceCount"]
        found["ServerlessConfig"] = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}

    assert of_app("real-time", serverless)["to-serverless"][1] is Rank.DANGER
    assert of_app("serverless", to_instances)["from-serverless"][1] is Rank.CAUTION


def test_a_variant_of_another_name_does_not_roll() -> None:
    found = of_app("guarded", on_variant(VariantName="Blue"))
    assert "AllTraffic becomes Blue" in found["variant-renamed"][2]
    assert found["all-at-once"][1] is Rank.CAUTION
    assert "all traffic at once" in found["blue-green"][2]


def test_data_capture_is_told_when_it_is_turned_on_or_off() -> None:
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://x/y",
    }
    found = of_app("real-time", set_on(CONFIG, DataCaptureConfig=capture))
    assert "20 percent of what callers send and get is kept at s3://x/y" in found["capture-on"][2]
    off = set_on(CONFIG, DataCaptureConfig=None)
    assert "capture-off" in of_app("guarded", off)


def test_callers_break_between_async_and_real_time() -> None:
    plain = set_on(CONFIG, AsyncInferenceConfig=None)
    found = of_app("async", plain)
    assert "takes InvokeEndpoint alone from now on" in found["callers"][2]
    queue = {"OutputConfig": {"S3OutputPath": "s3://x/"}}
    found = of_app("real-time", set_on(CONFIG, AsyncInferenceConfig=queue))
    assert "takes InvokeEndpointAsync alone from now on" in found["callers"][2]


def test_an_endpoint_of_another_name_is_another_endpoint() -> None:
    found = of_app("guarded", set_on(ENDPOINT, EndpointName="iris-next"))
    assert 'from "iris-live" to "iris-next"' in found["endpoint-renamed"][2]
    assert "EndpointAlarm5xxAllTraffic412B290C" in found["names-the-old-one"][2]
    assert "scaling-replaced" in found


def test_a_fixed_name_collides_with_itself() -> None:
    named = set_on(CONFIG, EndpointConfigName="iris-config")
    found = of_app("real-time", OTHER_DATA, named)
    kind, rank, text = found["name-collision"]
    assert (kind, rank) == (CONFIG, Rank.DANGER)
    assert '"iris-config" is fixed' in text
    assert "name-collision" not in of_app("real-time", OTHER_DATA)


def test_a_new_resource_collides_with_the_name_of_one_that_goes_later() -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "ml"}}
    found = told(template(Old=role), template(New={**role, "DeletionPolicy": "Delete"}))
    assert "is the name of Old, which is deleted later" in found["name-collision"][2]
    assert "logical-id" in found
    other = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "ml2"}}
    assert "name-collision" not in told(template(Old=role), template(New=other))


def test_no_resource_changes_its_type() -> None:
    before = template(It={"Type": "AWS::SNS::Topic"})
    found = told(before, template(It={"Type": "AWS::SQS::Queue"}))
    assert found["type-change"][1] is Rank.DANGER


def test_a_policy_of_deletion_that_weakens_is_told() -> None:
    kept = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}
    loose = {"Type": "AWS::S3::Bucket"}
    assert "becomes Delete" in told(template(It=kept), template(It=loose))["deletion-policy"][2]
    assert "deletion-policy" not in told(template(It=loose), template(It=kept))


Facts = tuple[str, dict[str, Any], dict[str, Any] | None, str, Rank]

FACTS: list[Facts] = [
    ("AWS::S3::Bucket", {}, None, "bucket-deleted", Rank.DANGER),
    ("AWS::S3::Bucket", {}, {"BucketName": "x"}, "bucket-replaced", Rank.DANGER),
    (
        "AWS::S3::Bucket",
        {"PublicAccessBlockConfiguration": {"BlockPublicPolicy": True}},
        {"PublicAccessBlockConfiguration": {"BlockPublicPolicy": False}},
        "bucket-open",
        Rank.DANGER,
    ),
    (
        "AWS::S3::Bucket",
        {"VersioningConfiguration": {"Status": "Enabled"}},
        {"VersioningConfiguration": {"Status": "Suspended"}},
        "versions-off",
        Rank.CAUTION,
    ),
    (
        "AWS::S3::Bucket",
        {},
        {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": 7}]}},
        "objects-expire",
        Rank.CAUTION,
    ),
    ("AWS::ECR::Repository", {}, None, "repository-deleted", Rank.DANGER),
    (
        "AWS::ECR::Repository",
        {},
        {"EncryptionConfiguration": {"EncryptionType": "KMS"}},
        "repository-replaced",
        Rank.DANGER,
    ),
    (
        "AWS::ECR::Repository",
        {"ImageTagMutability": "IMMUTABLE"},
        {"ImageTagMutability": "MUTABLE"},
        "tags-move",
        Rank.CAUTION,
    ),
    (
        "AWS::ECR::Repository",
        {},
        {
            "LifecyclePolicy": {
                "LifecyclePolicyText": '{"rules": [{"selection": {"tagStatus": "any", '
                '"countType": "imageCountMoreThan", "countNumber": 3}}]}'
            }
        },
        "images-expire",
        Rank.CAUTION,
    ),
    ("AWS::KMS::Key", {}, None, "key-deleted", Rank.DANGER),
    ("AWS::KMS::Key", {"Enabled": True}, {"Enabled": False}, "key-off", Rank.DANGER),
    ("AWS::DynamoDB::Table", {"TableName": "a"}, None, "data-lost", Rank.DANGER),
    ("AWS::Logs::LogGroup", {"LogGroupName": "a"}, None, "logs-lost", Rank.CAUTION),
    (
        "AWS::Logs::LogGroup",
        {"RetentionInDays": 30},
        {"RetentionInDays": 7},
        "logs-shorter",
        Rank.CAUTION,
    ),
    ("AWS::CloudWatch::Alarm", {"AlarmActions": ["x"]}, None, "alarm-gone", Rank.CAUTION),
    (
        "AWS::CloudWatch::Alarm",
        {"AlarmActions": ["x"]},
        {"AlarmActions": []},
        "alarm-silent",
        Rank.CAUTION,
    ),
    ("AWS::IAM::Role", {"RoleName": "a"}, {"RoleName": "b"}, "role-replaced", Rank.CAUTION),
    ("AWS::IAM::Role", {}, None, "role-deleted", Rank.CAUTION),
    ("AWS::Lambda::Url", {"AuthType": "AWS_IAM"}, {"AuthType": "NONE"}, "url-public", Rank.DANGER),
    ("AWS::Lambda::Url", {"TargetFunctionArn": "a"}, None, "url-changed", Rank.DANGER),
    ("AWS::Lambda::Function", {"Timeout": 60}, {"Timeout": 10}, "less", Rank.CAUTION),
    ("AWS::Lambda::Function", {"MemorySize": 2048}, {"MemorySize": 512}, "less", Rank.CAUTION),
    (
        "AWS::Lambda::Function",
        {},
        {"ReservedConcurrentExecutions": 0},
        "stopped",
        Rank.DANGER,
    ),
    (
        "AWS::Lambda::Function",
        {"FunctionName": "a"},
        {"FunctionName": "b"},
        "function-renamed",
        Rank.DANGER,
    ),
    (
        "AWS::Lambda::Function",
        {"Code": {"S3Key": "x"}},
        {"Code": {"ImageUri": "y"}, "PackageType": "Image"},
        "package-type",
        Rank.DANGER,
    ),
    (
        "AWS::Lambda::Function",
        {"Architectures": ["x86_64"]},
        {"Architectures": ["arm64"]},
        "architecture",
        Rank.DANGER,
    ),
    ("AWS::Lambda::Function", {"FunctionName": "a"}, None, "function-deleted", Rank.DANGER),
    (
        "AWS::Scheduler::Schedule",
        {"State": "ENABLED"},
        {"State": "DISABLED"},
        "schedule-off",
        Rank.CAUTION,
    ),
    (
        "AWS::SageMaker::ModelPackageGroup",
        {"ModelPackageGroupName": "a", "ModelPackageGroupDescription": "b"},
        {"ModelPackageGroupName": "a", "ModelPackageGroupDescription": "c"},
        "model-package-group",
        Rank.DANGER,
    ),
    (
        "AWS::SageMaker::DataQualityJobDefinition",
        {"Tags": []},
        {"Tags": [{"Key": "a", "Value": "b"}]},
        "tags-replace",
        Rank.CAUTION,
    ),
    (TARGET, {"MinCapacity": 1}, None, "scaling-off", Rank.CAUTION),
    ("AWS::SageMaker::Endpoint", {"EndpointName": "a"}, None, "endpoint-deleted", Rank.DANGER),
    ("AWS::SNS::Topic", {}, None, "topic-gone", Rank.DANGER),
]


@pytest.mark.parametrize(("kind", "base", "head", "id_", "rank"), FACTS)
def test_a_change_has_its_consequence(
    kind: str, base: dict[str, Any], head: dict[str, Any] | None, id_: str, rank: Rank
) -> None:
    found = of(kind, base, head)
    assert id_ in found
    assert found[id_][1] is rank
    # The other way round, or without a change, there is no such thing.
    assert of(kind, base, base) == {}
    if head is not None and kind not in {"AWS::SageMaker::ModelPackageGroup"}:
        symmetric = {"bucket-replaced", "repository-replaced", "role-replaced", "function-renamed"}
        symmetric |= {"package-type", "architecture", "tags-replace"}
        assert (id_ in of(kind, head, base)) is (id_ in symmetric)


def test_a_lifecycle_rule_is_told_in_words() -> None:
    policy = next(fact for fact in FACTS if fact[3] == "images-expire")
    assert "(all but the last 3)" in of(policy[0], policy[1], policy[2])["images-expire"][2]


def test_a_bucket_that_the_cdk_empties_loses_its_objects() -> None:
    emptier = {"Type": "Custom::S3AutoDeleteObjects"}
    bucket = {"Type": "AWS::S3::Bucket"}
    found = told(template(It=bucket, Emptier=emptier), template())
    assert "all objects and their versions are lost" in found["bucket-deleted"][2]


def test_an_export_in_use_is_neither_removed_nor_changed() -> None:
    def exporter(value: Any) -> Bodies:
        output = {"Out": {"Value": value, "Export": {"Name": "app:out"}}} if value else {}
        user = {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": {"Fn::ImportValue": "app:out"}},
        }
        return {
            "app-a": {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": output},
            "app-b": {"Resources": {"U": user}},
        }

    removed = told(exporter("x"), exporter(None))
    assert "the export app:out is removed while app-b imports it" in removed["export-in-use"][2]
    assert "gets another value" in told(exporter("x"), exporter("y"))["export-in-use"][2]
    assert told(exporter("x"), exporter("x")) == {}


def test_what_changes_of_a_stack_itself_is_told() -> None:
    body: Bodies = template(It={"Type": "AWS::SNS::Topic"})
    before = side("base", body, protected=frozenset({"app-stack"}))
    found = service.changes(compare(before, side("head", body)))
    (change,) = found
    assert change.type == "AWS::CloudFormation::Stack"
    assert [each.id for each in change.consequences] == ["protection-off"]
    tagged = side("head", body, tags={"app-stack": {"team": "ml"}})
    (change,) = service.changes(compare(side("base", body), tagged))
    assert [each.path for each in change.properties] == ["Tags.team"]


def test_a_stack_that_left_the_app_is_said_to_stay() -> None:
    body = template(It={"Type": "AWS::SNS::Topic"})
    found = told({**body, "app-old": body["app-stack"]}, body)
    assert "--stack-name app-old" in found["stack-left"][2]
    assert "topic-gone" not in found


def test_parameters_and_conditions_are_told() -> None:
    def stack(parameters: dict[str, Any], condition: Any) -> Bodies:
        made = {"Type": "AWS::SNS::Topic", "Condition": "Prod"}
        return {
            "app-stack": {
                "Parameters": parameters,
                "Conditions": {"Prod": condition},
                "Resources": {"It": made},
            }
        }

    size = {"Size": {"Type": "Number", "Default": 1}}
    bigger = {"Size": {"Type": "Number", "Default": 2}, "More": {"Type": "String"}}
    found = told(stack(size, {"a": 1}), stack(bigger, {"a": 2}))
    assert "from 1 to 2" in found["parameter-default"][2]
    assert "The parameter More is new" in found["parameter-new"][2]
    assert "It may come or go with it" in found["condition"][2]


def test_what_matters_most_comes_first() -> None:
    before, after = app("guarded"), app("guarded")
    set_on(ENDPOINT, EndpointName="other")(after)
    ranks = [service.importance(change) for change in changes(before, after)]
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] == Rank.DANGER


def test_every_teller_has_a_reason() -> None:
    tellers: list[Callable[..., Any]] = [teller for _, teller in _tellers()]
    assert len(tellers) > 25
    for teller in tellers:
        assert teller.__doc__
