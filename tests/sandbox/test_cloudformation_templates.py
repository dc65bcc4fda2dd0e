"""Templates: JSON and YAML, their rules, parameters, conditions and functions."""

import json
import time
from typing import Any

import pytest

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.cloudformation import parameters, sources, template
from odyssey.sandbox.cloudformation.evaluation import LATER, NO_VALUE, Evaluation
from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.serving import client
from tests.sandbox.stacks import Stacks, parameter, resource, role
from tests.sandbox.stacks import template as written

STACK = {"StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/one/1", "StackName": "one"}

SHORT = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Stage: {Type: String, Default: dev}
Conditions:
  Live: !Equals [!Ref Stage, live]
  Quiet: !Not [!Condition Live]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
  Value:
    Type: AWS::SSM::Parameter
    Properties:
      Type: String
      Value: !Join ["/", [!GetAtt Bucket.Arn, !Sub "${Bucket}-${Stage}", !If [Live, a, b]]]
"""


class World:
    """What templates of these tests find outside of themselves."""

    def resource(self, logical_id: str, attribute: str) -> Any:
        return LATER if logical_id == "New" else f"{logical_id}.{attribute}".rstrip(".")

    def export(self, name: str) -> str:
        return {"their-bucket": "a-bucket"}[name]

    def parameter(self, name: str) -> str:
        return {"/a/b": "of ssm", "/a/b:2": "second"}[name]


def evaluation(values: dict[str, Any] | None = None, **sections: Any) -> Evaluation:
    return Evaluation({"Resources": {}, **sections}, values or {}, STACK, "eu-west-1", World())


@pytest.fixture
def stacks(shared: Sandbox) -> Stacks:
    return Stacks(shared)


def refused(document: dict[str, Any]) -> str:
    with pytest.raises(ServiceError) as caught:
        template.require(document)
    assert caught.value.code == "ValidationError"
    return caught.value.message


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Ref": "AWS::StackName"}, "one"),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        ({"Ref": "Number"}, "3"),
        ({"Ref": "Bucket"}, "Bucket"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "Bucket.Arn"),
        ({"Fn::GetAtt": "Bucket.Arn"}, "Bucket.Arn"),
        (
            {"Fn::Sub": "${Bucket}/${Bucket.Arn}/${!Bucket}/${AWS::Region}"},
            "Bucket/Bucket.Arn/${Bucket}/eu-west-1",
        ),
        ({"Fn::Sub": ["${One}-${Number}", {"One": {"Ref": "Bucket"}}]}, "Bucket-3"),
        ({"Fn::Join": ["-", ["a", 1, True, {"Ref": "Number"}]]}, "a-1-true-3"),
        ({"Fn::Join": [",", {"Ref": "Names"}]}, "a,b"),
        ({"Fn::Select": ["1", {"Fn::Split": ["/", "x/y/z"]}]}, "y"),
        ({"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "New"}]}]}, LATER),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "most"]}, 9),
        ({"Fn::ImportValue": {"Fn::Sub": "their-bucket"}}, "a-bucket"),
        ({"Fn::Base64": "hello"}, "aGVsbG8="),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::If": ["Yes", {"Ref": "Number"}, {"Ref": "Nothing"}]}, "3"),
        ([{"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, 2], [2]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
        ("{{resolve:ssm:/a/b}} and {{resolve:ssm:/a/b:2}}", "of ssm and second"),
    ],
)
def test_functions_give(value: Any, result: Any) -> None:
    given = evaluation(
        {"Number": "3", "Names": ["a", "b"]},
        Mappings={"Sizes": {"eu-west-1": {"most": 9}}},
        Conditions={"Yes": {"Fn::Equals": [1, "1"]}, "No": {"Fn::Not": [{"Condition": "Yes"}]}},
    )
    assert given.resolve(value) == result


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"Fn::Select": [3, ["a"]]}, "cannot select nonexistent value at index 3"),
        ({"Fn::Join": ["", [["a"]]]}, "must be a string"),
        ({"Fn::FindInMap": ["None", "a", "b"]}, "Unable to get mapping for None::a::b"),
        ({"Fn::Transform": {}}, "does not know the function Fn::Transform"),
        ("{{resolve:secretsmanager:x}}", "resolves no dynamic references of secretsmanager"),
    ],
)
def test_functions_refuse(value: Any, told: str) -> None:
    with pytest.raises(ServiceError, match=told):
        evaluation().resolve(value)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"Fn::And": [{"Condition": "T"}, {"Condition": "F"}]}, False),
        ({"Fn::Or": [{"Condition": "T"}, {"Condition": "F"}]}, True),
        ({"Fn::Equals": [{"Ref": "A"}, {"Fn::If": ["T", "x", "y"]}]}, True),
        ({"Fn::Not": [{"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "L"}]}]}]}, False),
    ],
)
def test_conditions_hold(condition: Any, holds: bool) -> None:
    base = {"T": {"Fn::Equals": [True, "true"]}, "F": {"Fn::Equals": ["a", "b"]}}
    given = evaluation({"A": "x", "L": [""]}, Conditions={**base, "It": condition})
    assert given.holds("It") is holds


def test_conditions_that_need_each_other_are_refused() -> None:
    given = evaluation(Conditions={"A": {"Condition": "B"}, "B": {"Condition": "A"}})
    with pytest.raises(ServiceError, match="Circular dependency"):
        given.holds("A")


def test_no_value_is_nothing() -> None:
    assert evaluation().resolve({"Ref": "AWS::NoValue"}) is NO_VALUE


def test_short_forms_are_the_long_ones() -> None:
    # when
    read = template.parse(SHORT)
    # then
    template.require(read)
    assert read["AWSTemplateFormatVersion"] == "2010-09-09"
    assert read["Conditions"]["Quiet"] == {"Fn::Not": [{"Condition": "Live"}]}
    assert read["Resources"]["Value"]["Properties"]["Value"] == {
        "Fn::Join": [
            "/",
            [
                {"Fn::GetAtt": ["Bucket", "Arn"]},
                {"Fn::Sub": "${Bucket}-${Stage}"},
                {"Fn::If": ["Live", "a", "b"]},
            ],
        ]
    }


def test_a_stack_is_made_of_yaml(stacks: Stacks) -> None:
    # when
    stacks.create(SHORT)
    # then
    name, bucket = stacks.physical("Value"), stacks.physical("Bucket")
    found = client(stacks.sandbox, "ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert found == f"arn:aws:s3:::{bucket}/{bucket}-dev/b"
    assert stacks.client.get_template(StackName=stacks.name)["TemplateBody"] == SHORT


def test_a_template_that_names_itself_again_and_again_is_refused() -> None:
    # given: each line ten times as long as the one before
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 12):
        lines.append(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]")
    began = time.monotonic()
    # when
    with pytest.raises(ServiceError, match="aliases are not allowed"):
        template.parse("\n".join(lines))
    # then
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "a: [", "just words"])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(ServiceError, match="Template format error"):
        template.parse(text)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "Template format error: At least one Resources member must be defined."),
        (
            written(**{f"A{number}": parameter("x") for number in range(501)}),
            "Template format error: Number of resources, 501, is greater than maximum allowed, 500",
        ),
        (
            written(dict.fromkeys([f"O{number}" for number in range(201)], "x"), A=parameter("x")),
            "Template format error: Number of outputs, 201, is greater than maximum allowed, 200",
        ),
        (
            {**written(A=parameter("x")), "Outputs": ["x"]},
            "Template format error: Every Outputs member must be an object.",
        ),
        (
            {**written(A=parameter("x")), "Parameters": {"P": "x"}},
            "Template format error: Every Parameters member must be an object.",
        ),
        (
            written(**{"A" * 256: parameter("x")}),
            f"Template format error: Resource name {'A' * 256} is longer than 255 characters.",
        ),
        (
            {"Resources": {"A": {"Type": "AWS::S3::Bucket"}}, "Extra": 1},
            "Invalid template property or properties [Extra]",
        ),
        (
            written(A={"Properties": {}}),
            "Template format error: [/Resources/A] Every Resources object must contain a Type "
            "member.",
        ),
        (
            written(A=resource("EC2::Instance"), B={"Type": "Custom::Thing"}),
            "Template format error: Unrecognized resource types: [AWS::EC2::Instance, "
            "Custom::Thing]",
        ),
        (
            written(A=parameter({"Ref": "Nothing"})),
            "Template format error: Unresolved resource dependencies [Nothing] in the Resources "
            "block of the template",
        ),
        (
            written(A=parameter({"Fn::Sub": "${Nothing}"})),
            "Template format error: Unresolved resource dependencies [Nothing] in the Resources "
            "block of the template",
        ),
        (
            written({"Out": {"Ref": "Nothing"}}, A=parameter("x")),
            "Template format error: Unresolved resource dependencies [Nothing] in the Outputs "
            "block of the template",
        ),
        (
            written(A=parameter("x", DependsOn="Nothing")),
            "Template format error: Unresolved resource dependencies [Nothing] in the Resources "
            "block of the template",
        ),
        (
            written(A=parameter({"Fn::GetAtt": ["Nothing", "Arn"]})),
            "Template error: instance of Fn::GetAtt references undefined resource Nothing",
        ),
        (
            written(A=parameter("x"), B=parameter({"Fn::GetAtt": ["A", "Colour"]})),
            "Template error: resource A does not support attribute type Colour in Fn::GetAtt",
        ),
        (
            written(A=parameter("x", Condition="Nothing")),
            "Template format error: Unresolved condition dependency Nothing in the Resources block "
            "of the template",
        ),
        (
            written(A=parameter({"Ref": "B"}), B=parameter({"Ref": "A"})),
            "Circular dependency between resources: [A, B]",
        ),
        (
            written(A=parameter("x", DeletionPolicy="Keep")),
            "Template format error: Unrecognized DeletionPolicy Keep for A",
        ),
        (
            written(A=parameter("x", DeletionPolicy="Snapshot")),
            "Template error: resource type AWS::SSM::Parameter does not support deletion policy "
            "Snapshot",
        ),
        (
            {**written(A=parameter("x")), "Transform": "AWS::Serverless-2016-10-31"},
            "odyssey's sandbox runs no transforms: the template has a Transform section",
        ),
        (
            written(**{"not-a-name": parameter("x")}),
            "Template format error: Resource name not-a-name is non alphanumeric.",
        ),
    ],
)
def test_a_template_that_breaks_a_rule_is_refused_in_cloudformation_s_words(
    document: dict[str, Any], told: str
) -> None:
    assert refused(document) == told


def test_a_type_that_is_not_known_fails_before_anything_is_made(stacks: Stacks) -> None:
    # when
    told = stacks.refused(written(Bucket=resource("S3::Bucket"), Other=resource("EC2::VPC")))
    # then
    assert told == "Template format error: Unrecognized resource types: [AWS::EC2::VPC]"
    assert stacks.refusal("describe_stacks", StackName=stacks.name)[0] == "ValidationError"


def test_a_property_that_is_not_known_fails(stacks: Stacks) -> None:
    # when
    website = {"WebsiteConfiguration": {"IndexDocument": "index.html"}}
    stacks.create(written(A=resource("S3::Bucket", website)))
    # then
    assert stacks.reason("A", "CREATE_FAILED") == (
        "odyssey's sandbox does not know WebsiteConfiguration of AWS::S3::Bucket"
    )


def test_a_property_that_must_be_there_is_missed(stacks: Stacks) -> None:
    stacks.create(written(A=resource("SSM::Parameter", {"Type": "String"})))
    assert stacks.reason("A", "CREATE_FAILED") == (
        "Properties validation failed for resource A with message: #: required key [Value] not "
        "found"
    )


def test_resources_of_iam_need_a_capability(stacks: Stacks) -> None:
    # given
    plain, named = written(A=role()), written(A=role(RoleName="a-role"))
    # when, then
    code, told = stacks.refusal(
        "create_stack", StackName=stacks.name, TemplateBody=json.dumps(plain)
    )
    assert (code, told) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
    )
    request = stacks.request(named)
    code, told = stacks.refusal("create_stack", **{**request, "Capabilities": ["CAPABILITY_IAM"]})
    assert told == "Requires capabilities : [CAPABILITY_NAMED_IAM]"
    assert stacks.create(plain)["StackStatus"] == "CREATE_COMPLETE"


def test_parameters_are_given_kept_or_have_a_default(stacks: Stacks) -> None:
    # given
    client(stacks.sandbox, "ssm").put_parameter(
        Name=f"/{stacks.name}/size", Value="large", Type="String"
    )
    declared = {
        "Given": {"Type": "String"},
        "Secret": {"Type": "String", "NoEcho": True},
        "Names": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Size": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": f"/{stacks.name}/size"},
    }
    joined = {"Fn::Join": ["|", [{"Ref": "Given"}, {"Ref": "Secret"}, {"Ref": "Size"}]]}
    document = {
        "Parameters": declared,
        **written(A=parameter(joined), B=parameter({"Fn::Select": [1, {"Ref": "Names"}]})),
    }
    given = [
        {"ParameterKey": "Given", "ParameterValue": "one"},
        {"ParameterKey": "Secret", "ParameterValue": "hush"},
    ]
    # when
    told = stacks.create(document, Parameters=given)
    # then
    shown = {each["ParameterKey"]: each for each in told["Parameters"]}
    assert shown["Secret"]["ParameterValue"] == "****"
    assert shown["Size"]["ResolvedValue"] == "large"
    ssm = client(stacks.sandbox, "ssm")

    def value(name: str) -> str:
        return str(ssm.get_parameter(Name=stacks.physical(name))["Parameter"]["Value"])

    assert (value("A"), value("B")) == ("one|hush|large", "b")
    # when
    kept = [
        {"ParameterKey": "Given", "ParameterValue": "two"},
        {"ParameterKey": "Secret", "UsePreviousValue": True},
    ]
    stacks.client.update_stack(StackName=stacks.name, UsePreviousTemplate=True, Parameters=kept)
    stacks.settled()
    # then
    assert value("A") == "two|hush|large"


@pytest.mark.parametrize(
    ("rule", "value", "told"),
    [
        ({}, None, "Parameters: [P] must have values"),
        ({"AllowedValues": ["a", "b"]}, "c", "Parameter 'P' must be one of AllowedValues: [a, b]"),
        ({"AllowedPattern": "[a-z]+"}, "A1", "Parameter 'P' must match pattern [a-z]+"),
        (
            {"AllowedPattern": "[a-z]+", "ConstraintDescription": "small letters"},
            "A1",
            "Parameter P failed to satisfy constraint: small letters",
        ),
        (
            {"MinLength": 2, "MaxLength": "3"},
            "x",
            "Parameter 'P' must contain at least 2 and at most 3 characters",
        ),
        ({"Type": "Number"}, "x", "Parameter 'P' must be a number"),
        (
            {"Type": "Number", "MaxValue": 3},
            "4",
            "Parameter 'P' must be a number not greater than 3",
        ),
        (
            {"Type": "Number", "MinValue": 3},
            "2",
            "Parameter 'P' must be a number not less than 3",
        ),
    ],
)
def test_a_parameter_that_breaks_its_rule_is_refused(
    rule: dict[str, Any], value: str | None, told: str
) -> None:
    given = [] if value is None else [{"ParameterKey": "P", "ParameterValue": value}]
    with pytest.raises(ServiceError) as caught:
        parameters.chosen({"Parameters": {"P": {"Type": "String", **rule}}}, given)
    assert caught.value.message == told


def test_a_parameter_that_is_none_of_the_template_s_is_refused(stacks: Stacks) -> None:
    extra = [{"ParameterKey": "P", "ParameterValue": "x"}]
    told = stacks.refused(written(A=parameter("x")), Parameters=extra)
    assert told == "Parameters: [P] do not exist in the template"


@pytest.mark.parametrize(
    ("url", "bucket", "key"),
    [
        ("http://localhost:4566/templates/a/b.json", "templates", "a/b.json"),
        ("http://127.0.0.1:4566/templates/b.json", "templates", "b.json"),
        ("http://templates.localhost:4566/b.json", "templates", "b.json"),
        ("https://s3.eu-west-1.amazonaws.com/templates/b.json", "templates", "b.json"),
        ("https://s3.amazonaws.com/templates/b%20c.json", "templates", "b c.json"),
        ("https://templates.s3.eu-west-1.amazonaws.com/b.json", "templates", "b.json"),
        ("https://my.templates.s3.amazonaws.com/b.json", "my.templates", "b.json"),
    ],
)
def test_a_url_means_an_object_of_the_sandbox(url: str, bucket: str, key: str) -> None:
    assert sources.place(url, 4566) == (bucket, key)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4567/templates/b.json",
        "http://169.254.169.254/latest/meta-data",
        "https://example.com/templates/b.json",
        "https://s3.eu-west-1.amazonaws.com.example.com/templates/b.json",
        "file:///etc/passwd",
        "http://localhost:4566/templates",
    ],
)
def test_a_url_of_anybody_else_is_refused(url: str) -> None:
    with pytest.raises(ServiceError, match="TemplateURL must"):
        sources.place(url, 4566)


def test_a_large_template_comes_from_s3(stacks: Stacks) -> None:
    # given
    s3 = client(stacks.sandbox, "s3")
    location = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket=stacks.name, CreateBucketConfiguration=location)
    document = {**written(A=parameter("x")), "Description": "d", "Metadata": {"M": "x" * 60_000}}
    # when
    told = stacks.refused(document)
    # then
    assert "Member must have length less than or equal to 51200" in told
    # when
    s3.put_object(Bucket=stacks.name, Key="t.json", Body=json.dumps(document))
    url = f"{stacks.sandbox.url}/{stacks.name}/t.json"
    stacks.client.create_stack(StackName=stacks.name, TemplateURL=url)
    # then
    assert stacks.settled()["StackStatus"] == "CREATE_COMPLETE"
    # and
    _, told = stacks.refusal("create_stack", StackName="x", TemplateURL=url + "n")
    assert told == "S3 error: The specified key does not exist."
    s3.put_object(Bucket=stacks.name, Key="t.json", Body=b" " * 1_000_001)
    _, told = stacks.refusal("create_stack", StackName="x", TemplateURL=url)
    assert told == "Template may not exceed 1000000 bytes in size."


def test_a_template_is_summed_up(stacks: Stacks) -> None:
    # given
    document = {
        "Description": "two things",
        "Parameters": {"Size": {"Type": "Number", "Default": 3, "AllowedValues": [3, 4]}},
        **written(A=parameter({"Ref": "Size"}), B=role()),
    }
    # when
    valid = stacks.client.validate_template(TemplateBody=json.dumps(document))
    summary = stacks.client.get_template_summary(TemplateBody=json.dumps(document))
    # then
    assert valid["Description"] == "two things"
    assert valid["Capabilities"] == ["CAPABILITY_IAM"]
    assert valid["Parameters"] == [{"ParameterKey": "Size", "DefaultValue": "3", "NoEcho": False}]
    assert summary["ResourceTypes"] == ["AWS::IAM::Role", "AWS::SSM::Parameter"]
    (size,) = summary["Parameters"]
    assert size["ParameterType"] == "Number"
    assert size["ParameterConstraints"] == {"AllowedValues": ["3", "4"]}
    # and
    _, told = stacks.refusal("validate_template", TemplateBody="{}")
    assert told == "Template format error: At least one Resources member must be defined."


def test_a_resource_whose_condition_does_not_hold_is_not_made(stacks: Stacks) -> None:
    # given
    document = {
        "Parameters": {"Live": {"Type": "String", "Default": "no"}},
        "Conditions": {"IsLive": {"Fn::Equals": [{"Ref": "Live"}, "yes"]}},
        **written(A=parameter("a"), B=parameter("b", Condition="IsLive")),
        "Outputs": {"B": {"Value": {"Ref": "B"}, "Condition": "IsLive"}},
    }
    # when
    stacks.create(document)
    # then
    assert stacks.statuses("B") == []
    assert stacks.outputs() == {}
    # when
    live = [{"ParameterKey": "Live", "ParameterValue": "yes"}]
    stacks.update(document, Parameters=live)
    # then
    assert stacks.outputs() == {"B": stacks.physical("B")}
