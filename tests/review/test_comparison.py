"""What happens to each resource, from two templates."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from odyssey.review import replacement
from odyssey.review.comparison import Comparison, compare
from odyssey.review.replacement import name_property, replaces
from odyssey.review.report import Action
from odyssey.review.side import Side
from odyssey.review.values import differences, shown
from tests.review.cases import Bodies, app, side, template

BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "one"}}
CONFIG, ENDPOINT = "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Endpoint"


def compared(before: Bodies, after: Bodies) -> Comparison:
    return compare(side("base", before), side("head", after))


def actions(found: Comparison) -> dict[str, Action]:
    return {each.id: each.action for each in found.resources.values() if each.changes}


def edited(resource: dict[str, Any], **properties: Any) -> dict[str, Any]:
    new = copy.deepcopy(resource)
    new["Properties"] = {**new.get("Properties", {}), **properties}
    return new


@pytest.mark.parametrize("name", ["guarded", "lambda", "sagemaker-lambda", "two-variants"])
def test_the_same_templates_change_nothing(name: str) -> None:
    found = compared(app(name), app(name))
    assert actions(found) == {}
    assert found.renamed == {}


def test_what_comes_is_created_and_what_goes_is_deleted_or_left() -> None:
    kept = {**BUCKET, "DeletionPolicy": "Retain"}
    snapshot = {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot"}
    found = compared(
        template(Old=BUCKET, Kept=kept, Data=snapshot), template(New={"Type": "AWS::SNS::Topic"})
    )
    assert actions(found) == {
        "New": Action.CREATE,
        "Old": Action.DELETE,
        "Kept": Action.RETAIN,
        "Data": Action.DELETE,
    }


def test_a_stack_that_is_not_in_the_app_any_more_is_left_as_it_is() -> None:
    stacks = template(Bucket=BUCKET)
    found = compared({**stacks, "app-other": stacks["app-stack"]}, stacks)
    (each,) = [each for each in found.resources.values() if each.stack == "app-other"]
    assert (each.action, each.left) == (Action.RETAIN, True)


def test_what_the_schema_fixes_replaces_and_the_rest_is_updated_in_place() -> None:
    found = compared(
        template(Bucket=BUCKET, Other=edited(BUCKET, Tags=[{"Key": "app", "Value": "x"}])),
        template(
            Bucket=edited(BUCKET, BucketName="two"),
            Other=edited(BUCKET, Tags=[{"Key": "app", "Value": "y"}]),
        ),
    )
    assert actions(found) == {"Bucket": Action.REPLACE, "Other": Action.UPDATE}
    (change,) = found.resources["app-stack", "Other"].properties
    assert (change.path, change.before, change.after) == ("Tags[app]", "x", "y")


def test_a_replacement_replaces_what_refers_to_it_to_the_end() -> None:
    # given
    before = app("guarded")
    after = app("guarded")
    for resource in after["iris-endpoint"]["Resources"].values():
        if resource["Type"] == "AWS::SageMaker::Model":
            resource["Properties"]["PrimaryContainer"]["ModelDataUrl"] = "s3://other/model.tar.gz"
    # when
    found = compared(before, after)
    # then
    assert {found.resources["iris-endpoint", id_].type: a for id_, a in actions(found).items()} == {
        "AWS::SageMaker::Model": Action.REPLACE,
        "AWS::SageMaker::EndpointConfig": Action.REPLACE,
        "AWS::SageMaker::Endpoint": Action.UPDATE,
    }
    endpoint = next(each for each in found.resources.values() if each.type == ENDPOINT)
    (change,) = endpoint.properties
    assert change.path == "EndpointConfigName"
    assert change.before == change.after
    assert found.resources["iris-endpoint", change.because].type == CONFIG


def test_a_replacement_goes_on_in_the_stacks_that_import_it() -> None:
    before, after = app("lambda"), app("lambda")
    for resource in after["iris-foundation"]["Resources"].values():
        if resource["Type"] == "AWS::S3::Bucket":
            resource["Properties"]["BucketName"] = "other"
    found = compared(before, after)
    touched = {
        each.type
        for each in found.resources.values()
        if each.stack == "iris-function" and each.changes
    }
    assert touched == {"AWS::Lambda::Function", "AWS::IAM::Policy"}


def test_a_resource_that_may_be_replaced_replaces_others_perhaps() -> None:
    maker = {"Type": "Custom::Maker", "Properties": {"Version": 1}}
    user = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Ref": "Maker"}}}
    found = compared(
        template(Maker=maker, User=user), template(Maker=edited(maker, Version=2), User=user)
    )
    assert actions(found) == {"Maker": Action.MAYBE_REPLACE, "User": Action.MAYBE_REPLACE}


def test_another_default_of_a_parameter_may_replace_what_uses_it() -> None:
    def stack(default: str) -> Bodies:
        named = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Ref": "Name"}}}
        parameters = {"Name": {"Type": "String", "Default": default}}
        return {"app-stack": {"Parameters": parameters, "Resources": {"Bucket": named}}}

    assert actions(compared(stack("one"), stack("two"))) == {"Bucket": Action.MAYBE_REPLACE}


def test_metadata_is_no_change_and_the_order_alone_touches_nothing() -> None:
    found = compared(
        template(Bucket=BUCKET, Topic={"Type": "AWS::SNS::Topic"}),
        template(
            Bucket={**BUCKET, "Metadata": {"aws:cdk:path": "x"}},
            Topic={"Type": "AWS::SNS::Topic", "DependsOn": "Bucket"},
        ),
    )
    (each,) = [each for each in found.resources.values() if each.changes]
    assert (each.id, each.action) == ("Topic", Action.NONE)


def test_a_whole_construct_under_another_id_is_known_again() -> None:
    # given
    before, after = app("real-time"), app("real-time")
    body = after["iris-endpoint"]
    renamed = {id_: id_.replace("Endpoint", "Served") for id_ in body["Resources"]}
    text = json.dumps(body["Resources"])
    for old, new in renamed.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    body["Resources"] = json.loads(text)
    # when
    found = compared(before, after)
    # then
    assert {
        key[1]: other[1] for key, other in found.renamed.items() if key[1] in renamed
    } == renamed


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"A": 1}, {"A": 1}, []),
        ({"A": 1}, {"A": 2, "B": 3}, [("A", 1, 2), ("B", None, 3)]),
        ({"A": {"Ref": "X"}}, {"A": {"Ref": "Y"}}, [("A", {"Ref": "X"}, {"Ref": "Y"})]),
        ({"A": ["x"]}, {"A": ["x", "y"]}, [("A", ["x"], ["x", "y"])]),
        (
            {"V": [{"VariantName": "a", "N": 1}, {"VariantName": "b", "N": 1}]},
            {"V": [{"VariantName": "b", "N": 2}, {"VariantName": "a", "N": 1}]},
            [("V[0].N", 1, 2)],
        ),
        (
            {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]},
            {"Tags": [{"Key": "b", "Value": "2"}]},
            [("Tags[a]", "1", None)],
        ),
        (
            {"S": [{"Effect": "Allow", "Action": "a"}, {"Effect": "Allow", "Action": "b"}]},
            {"S": [{"Effect": "Allow", "Action": "b"}, {"Effect": "Allow", "Action": "c"}]},
            [("S[1].Action", "a", "c")],
        ),
        ({"A": 1, "B": {"Ref": "AWS::NoValue"}}, {"A": 1}, []),
    ],
)
def test_differences_are_as_deep_as_the_values_are_alike(
    before: Any, after: Any, expected: list[Any]
) -> None:
    assert list(differences(before, after)) == expected


def test_a_value_is_shown_with_its_references_by_name() -> None:
    value = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", {"Ref": "Bucket"}]]}
    assert shown(value) == "arn:${AWS::Partition}:s3:::${Bucket}"
    assert shown({"Fn::Sub": ["${A}-${B}", {"A": {"Fn::GetAtt": ["C", "Arn"]}}]}) == "${C.Arn}-${B}"


@pytest.mark.parametrize(
    ("kind", "path", "answer"),
    [
        (CONFIG, "ProductionVariants[0].InstanceType", "yes"),
        (CONFIG, "Tags[team]", "no"),
        (ENDPOINT, "EndpointConfigName", "no"),
        (ENDPOINT, "EndpointName", "yes"),
        ("AWS::SageMaker::ModelPackageGroup", "ModelPackageGroupDescription", "yes"),
        ("AWS::SageMaker::DataQualityJobDefinition", "Tags[team]", "yes"),
        ("AWS::SageMaker::InferenceComponent", "EndpointName", "maybe"),
        ("AWS::SageMaker::InferenceComponent", "RuntimeConfig.CopyCount", "no"),
        ("AWS::SageMaker::ModelPackage", "ModelCard.ModelCardContent", "maybe"),
        ("AWS::ECR::Repository", "EncryptionConfiguration.KmsKey", "yes"),
        ("AWS::Lambda::Function", "PackageType", "yes"),
        ("AWS::Lambda::Function", "Code.ImageUri", "no"),
        ("AWS::ApplicationAutoScaling::ScalableTarget", "ResourceId", "yes"),
        ("AWS::Nobody::Knows", "This", "maybe"),
    ],
)
def test_the_schemas_say_what_replaces(kind: str, path: str, answer: str) -> None:
    assert replaces(kind, path) == answer


def test_a_schema_that_is_read_as_a_file_is_that_of_cfn_lint() -> None:
    for kind in (CONFIG, "AWS::Lambda::Function", "AWS::S3::Bucket"):
        known = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
        found = replacement._schema(kind)
        assert found is not None
        assert found["createOnlyProperties"] == known["createOnlyProperties"]


def test_what_will_be_deployed_is_compared_without_importing_cfn_lint() -> None:
    program = (
        "import sys\n"
        "from odyssey.review.replacement import replaces\n"
        "print(replaces('AWS::S3::Bucket', 'BucketName'), 'cfnlint' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["yes", "False"]


def test_a_map_that_comes_whole_replaces_by_its_members() -> None:
    assert (
        replaces("AWS::ECR::Repository", "EncryptionConfiguration", None, {"KmsKey": "x"}) == "yes"
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("AWS::SageMaker::Model", "ModelName"),
        ("AWS::Lambda::Function", "FunctionName"),
        ("AWS::Scheduler::Schedule", "Name"),
        ("AWS::SageMaker::DataQualityJobDefinition", "JobDefinitionName"),
        ("AWS::Lambda::Alias", ""),
        ("AWS::IAM::Policy", ""),
        ("AWS::Nobody::Knows", ""),
    ],
)
def test_the_property_that_names_a_resource_is_known(kind: str, name: str) -> None:
    assert name_property(kind) == name


def test_an_empty_side_is_all_created() -> None:
    found = compare(Side("nothing"), side("head", app("serverless")))
    assert set(actions(found).values()) == {Action.CREATE}
