"""No rule fails itself, whatever a template looks like."""

from __future__ import annotations

import copy
import random
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from odyssey.checks.rule import catalogue
from odyssey.checks.template import Template, parse
from tests.checks.pairs import found, pairs

if TYPE_CHECKING:
    from collections.abc import Callable

MUTATIONS = 200
SEED = 7
ODD: list[Any] = [
    None,
    "",
    0,
    -1,
    1.5,
    True,
    [],
    {},
    [None],
    {"": None},
    [[]],
    "a_b" * 400,
    {"Ref": "Nobody"},
    {"Ref": None},
    {"Ref": ["a"]},
    {"Ref": "AWS::NoValue"},
    {"Fn::GetAtt": []},
    {"Fn::GetAtt": "Model.Arn"},
    {"Fn::GetAtt": {"a": 1}},
    {"Fn::Sub": "${Model.ModelName}${!x}${"},
    {"Fn::Sub": ["${a}", None]},
    {"Fn::Sub": ["${a}", {"a": {"Fn::If": ["c", 1]}}]},
    {"Fn::Sub": []},
    {"Fn::Join": ["", "a"]},
    {"Fn::Join": [None, [None, 1, {}]]},
    {"Fn::Join": []},
    {"Fn::If": ["c", {"Ref": "AWS::NoValue"}, [1]]},
    {"Fn::If": ["c"]},
    {"Fn::If": None},
    {"Fn::FindInMap": [{}, [], None]},
    {"Fn::FindInMap": ["a", ["b"], {"c": 1}]},
    {"Fn::Select": [9, []]},
    {"Fn::Split": [",", {"Ref": "Nobody"}]},
    {"Fn::ImportValue": {"Fn::Sub": None}},
    {"Fn::Transform": {"Name": 1}},
    {"Fn::ForEach::X": ["a", ["b"], {}]},
    {1: {2: 3}},
]
"""What somebody may have written where something else is due."""

HEADS: dict[str, Any] = {
    "no properties": {"Type": "AWS::SageMaker::Model"},
    "properties that are null": {"Type": "AWS::SageMaker::Model", "Properties": None},
    "properties that are a list": {"Type": "AWS::SageMaker::Model", "Properties": []},
    "no type": {"Properties": {"Tags": None}},
    "a type that is null": {"Type": None},
    "a type that is a list": {"Type": ["AWS::SageMaker::Model"]},
    "dependence on a map": {"Type": "AWS::SageMaker::Model", "DependsOn": {"a": 1}},
    "dependence on a number": {"Type": "AWS::SageMaker::Model", "DependsOn": 1},
    "metadata that is a text": {"Type": "AWS::SageMaker::Model", "Metadata": "a"},
}

SECTIONS = ("Parameters", "Mappings", "Conditions", "Outputs", "Metadata")


@cache
def corpus() -> tuple[dict[str, Any], ...]:
    return tuple(dict(parse(pair.failing.read_text(), pair.name)) for pair in pairs())


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return each place within a template, as what holds it and its key there."""
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    return [each for key in keys for each in [(value, key), *places(value[key])]]


def replaced(body: dict[str, Any], choose: random.Random) -> None:
    holder, key = choose.choice(places(body["Resources"]))
    holder[key] = copy.deepcopy(choose.choice(ODD))


def conditional(body: dict[str, Any], choose: random.Random) -> None:
    holder, key = choose.choice(places(body["Resources"]))
    other = copy.deepcopy(choose.choice(ODD))
    holder[key] = {"Fn::If": ["Live", holder[key], other]}


def removed(body: dict[str, Any], choose: random.Random) -> None:
    holder, key = choose.choice(places(body["Resources"]))
    del holder[key]


def transplanted(body: dict[str, Any], choose: random.Random) -> None:
    holder, key = choose.choice(places(body["Resources"]))
    source, name = choose.choice(places(choose.choice(corpus())["Resources"]))
    holder[key] = copy.deepcopy(source[name])


KINDS: tuple[Callable[[dict[str, Any], random.Random], None], ...] = (
    replaced,
    conditional,
    removed,
    transplanted,
)


def test_no_rule_fails_on_a_template_that_is_changed_anywhere() -> None:
    choose = random.Random(SEED)
    changed = 0
    for _ in range(MUTATIONS):
        body = copy.deepcopy(choose.choice(corpus()))
        for change in choose.choices(KINDS, k=2):
            if places(body["Resources"]):
                change(body, choose)
        changed += body not in corpus()

        found(Template("weird.yaml", body, text=str(body), region="eu-west-1"))

    assert changed > MUTATIONS * 0.9


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_no_rule_fails_on_a_resource_that_is_hardly_one(head: Any) -> None:
    found(Template("weird.yaml", {"Resources": {"Model": head, "Config": None, "Text": "a"}}))


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("content", [None, [], "a", 1, {"a": None}, {"a": []}], ids=str)
def test_no_rule_fails_on_a_section_that_is_none(section: str, content: Any) -> None:
    body = {"Resources": copy.deepcopy(corpus()[-1]["Resources"]), section: content}
    body["Resources"]["More"] = {
        "Type": "AWS::SageMaker::Model",
        "Properties": {"ModelName": {"Ref": "a"}, "Tags": {"Fn::FindInMap": ["a", "b", "c"]}},
    }

    found(Template("weird.yaml", body))


def test_there_are_rules_to_try() -> None:
    assert sum(rule.subject == "template" for rule in catalogue()) > 100
