"""Rules of templates as a whole, and of the stacks of an app beside each other."""

from __future__ import annotations

from typing import Any

from odyssey.checks.findings import Severity
from odyssey.checks.template import Template
from tests.checks.pairs import Found, found

TOPIC = {"Type": "AWS::SNS::Topic"}


def template(stack: str = "churn", **body: Any) -> Template:
    return Template(f"{stack}.template.json", {"Resources": {"Topic": TOPIC}, **body}, stack)


def of(rule: str, *templates: Template) -> list[Found]:
    return [each for each in found(*templates) if each.rule == rule]


def severities(rule: str, *templates: Template) -> list[Severity]:
    return [each.severity for each in of(rule, *templates)]


def sized(size: int) -> Template:
    return Template("large.yaml", {"Resources": {"Topic": TOPIC}}, text="#" * size)


def test_a_template_is_told_by_its_size() -> None:
    assert severities("CFN101", sized(51_200)) == []
    assert severities("CFN101", sized(51_201)) == [Severity.INFO]
    assert severities("CFN101", sized(800_001)) == [Severity.WARNING]
    assert severities("CFN101", sized(1_000_001)) == [Severity.ERROR]


def resources(count: int) -> Template:
    return template(Resources={f"Topic{number}": TOPIC for number in range(count)})


def test_a_template_is_told_by_its_number_of_resources() -> None:
    assert severities("CFN102", resources(400)) == []
    assert severities("CFN102", resources(401)) == [Severity.WARNING]
    assert severities("CFN102", resources(501)) == [Severity.ERROR]


def test_parameters_and_outputs_are_counted_too() -> None:
    many = {f"Name{number}": {"Type": "String"} for number in range(201)}

    assert [each.path for each in of("CFN102", template(Parameters=many, Outputs=many))] == [
        "Parameters",
        "Outputs",
    ]


def test_a_stack_has_a_name_that_cloudformation_takes() -> None:
    assert severities("CFN103", template("churn-live")) == []
    assert severities("CFN103", template("churn_live")) == [Severity.ERROR]
    assert severities("CFN103", template("c" * 129)) == [Severity.ERROR]
    assert severities("CFN103", template("")) == []


def exporting(kind: str, **about: Any) -> Template:
    body = {
        "Resources": {"Thing": {"Type": kind}},
        "Outputs": {"Name": {"Value": {"Ref": "Thing"}, "Export": {"Name": "the-name"}}},
    }
    return Template("from.json", body, "from", **about)


def importing(**about: Any) -> Template:
    value = {"Fn::ImportValue": "the-name"}
    endpoint = {
        "Type": "AWS::SageMaker::Endpoint",
        "Properties": {"EndpointName": "churn", "EndpointConfigName": value},
    }
    return Template("to.json", {"Resources": {"Endpoint": endpoint}}, "to", **about)


def test_a_configuration_in_use_elsewhere_is_no_export() -> None:
    config = exporting("AWS::SageMaker::EndpointConfig")

    assert [each.resource for each in of("CFN111", config, importing())] == ["Thing"]
    assert of("CFN111", config) == []
    assert of("CFN111", exporting("AWS::S3::Bucket"), importing()) == []


def test_an_import_is_of_the_same_region_and_account() -> None:
    bucket = "AWS::S3::Bucket"
    here = exporting(bucket, region="eu-west-1", account="111111111111")

    assert of("CFN112", here, importing(region="eu-west-1", account="111111111111")) == []
    assert of("CFN112", here, importing()) == []
    (region,) = of("CFN112", here, importing(region="us-east-1", account="111111111111"))
    (account,) = of("CFN112", here, importing(region="eu-west-1", account="222222222222"))
    assert "exported in eu-west-1, and imported in us-east-1" in region.message
    assert "222222222222" in account.message
    assert account.resource == "Endpoint"


def test_two_stacks_of_a_region_make_two_names() -> None:
    one = importing(region="eu-west-1")
    body = {**one.body}

    assert severities("CFN113", one, Template("too.json", body, "too", region="eu-west-1")) == [
        Severity.ERROR
    ]
    assert of("CFN113", one, Template("too.json", body, "too", region="us-east-1")) == []
