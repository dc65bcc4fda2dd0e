"""Requests against AWS's own models."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey import shapes
from odyssey.errors import UsageError

ROLE = "arn:aws:iam::123456789012:role/jobs"


def request(**more: Any) -> dict[str, Any]:
    good = {
        "TrainingJobName": "iris-1",
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://models/iris"},
    }
    return {**good, **more}


def lines(**more: Any) -> list[str]:
    return [str(one) for one in shapes.problems("sagemaker", "CreateTrainingJob", request(**more))]


def test_a_good_request_has_no_problem() -> None:
    assert lines() == []


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (
            {"TrainingJobName": "my_iris"},
            'TrainingJobName: "my_iris": must match [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}',
        ),
        (
            {"TrainingJobName": "iris\n"},
            'TrainingJobName: "iris\n": must match [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}',
        ),
        (
            {"AlgorithmSpecification": {"TrainingInputMode": "file"}},
            'AlgorithmSpecification.TrainingInputMode: "file": must be Pipe or File or FastFile',
        ),
        (
            {"AlgorithmSpecification": {}},
            "AlgorithmSpecification.TrainingInputMode: is missing, and AWS requires it",
        ),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 0}},
            "StoppingCondition.MaxRuntimeInSeconds: 0: must be at least 1",
        ),
        (
            {"InputDataConfig": []},
            "InputDataConfig: []: must be at least 1 and at most 20 entries, and is 0",
        ),
        (
            {"ResourceConfig": {"VolumeSizeInGb": 3}},
            "ResourceConfig.VolumeSizeInGb: is not known to AWS, did you mean VolumeSizeInGB?",
        ),
        ({"HyperParameters": {"a": 3}}, "HyperParameters.a: 3: must be of the type string"),
        (
            {"EnableNetworkIsolation": "no"},
            'EnableNetworkIsolation: "no": must be of the type boolean',
        ),
        (
            {"ResourceConfig": {"InstanceCount": True}},
            "ResourceConfig.InstanceCount: true: must be of the type integer",
        ),
    ],
)
def test_a_broken_rule_is_told_with_its_place_the_value_and_the_rule(
    more: dict[str, Any], line: str
) -> None:
    assert lines(**more) == [line]


def test_the_place_of_an_entry_has_its_number() -> None:
    (line,) = lines(Tags=[{"Key": "a", "Value": "b"}, {"Key": "", "Value": "c"}])
    assert line.startswith("Tags[1].Key: ")


def test_a_map_has_rules_for_its_names_its_values_and_its_size() -> None:
    assert "HyperParameters, a name" in lines(HyperParameters={"k" * 257: "1"})[0]
    assert lines(HyperParameters={"k": "v" * 2501})[0].endswith(
        "at most 2500 characters, and is 2501"
    )
    many = {str(number): "1" for number in range(101)}
    assert lines(HyperParameters=many)[0].endswith("at most 100 entries, and is 101")


def test_every_problem_is_found() -> None:
    assert len(lines(TrainingJobName="_", RoleArn="jobs", Tags="none")) == 4


@pytest.mark.parametrize("value", ["plain", "größe", "a b:c/d=e+f-g@h", "日本"])
def test_classes_of_unicode_are_those_of_java(value: str) -> None:
    assert lines(Tags=[{"Key": "k", "Value": value}]) == []


def test_what_is_in_no_class_is_refused() -> None:
    assert "must match" in lines(Tags=[{"Key": "k", "Value": "a*b"}])[0]


def test_digits_are_those_of_ascii() -> None:
    assert lines(RoleArn=ROLE.replace("1", "\N{ARABIC-INDIC DIGIT ONE}")) != []


@given(st.text(alphabet=st.characters(categories=("L", "N", "Zs")), max_size=40))
def test_every_letter_number_and_space_is_good_in_a_tag(value: str) -> None:
    assert lines(Tags=[{"Key": "k", "Value": value}]) == []


def test_a_type_that_botocore_does_not_know_is_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # given
    new = request(ResourceConfig={"InstanceType": "ml.m99.large"})
    # when
    shapes.require("sagemaker", "CreateTrainingJob", new)
    # then
    assert "Warning: CreateTrainingJob: ResourceConfig.InstanceType" in capsys.readouterr().err


def test_a_request_with_problems_is_refused_with_all_of_them() -> None:
    with pytest.raises(UsageError) as caught:
        shapes.require("sagemaker", "CreateTrainingJob", request(TrainingJobName="", RoleArn="x"))
    assert caught.value.message.count("CreateTrainingJob: ") == len(
        caught.value.message.splitlines()
    )
    assert "TrainingJobName" in caught.value.message
    assert "RoleArn" in caught.value.message


@pytest.mark.parametrize(
    ("more", "place", "constraint"),
    [
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 0}},
            "stoppingCondition.maxRuntimeInSeconds",
            "Member must have value greater than or equal to 1",
        ),
        (
            {"Tags": [{"Key": "k" * 129, "Value": ""}]},
            "tags.1.member.key",
            "Member must have length less than or equal to 128",
        ),
        ({"StoppingCondition": []}, "stoppingCondition", ""),
    ],
)
def test_a_broken_rule_has_the_words_of_aws_too(
    more: dict[str, Any], place: str, constraint: str
) -> None:
    (problem,) = shapes.problems("sagemaker", "CreateTrainingJob", request(**more))
    assert (problem.place, problem.constraint) == (place, constraint)


def test_a_body_has_a_size_in_bytes() -> None:
    body = {"EndpointName": "iris", "Body": b"x" * 6_291_457}
    (problem,) = shapes.problems("sagemaker-runtime", "InvokeEndpoint", body)
    assert problem.rule.endswith("at most 6291456 bytes, and is 6291457")
    assert len(str(problem)) < 200
