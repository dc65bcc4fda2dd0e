"""A template may be anybody's, and wrong in any way: no rule fails over it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from odyssey.checks.template import Template, read
from tests.checks.pairs import found, pairs

STRANGE: list[Any] = [
    None,
    "",
    "[z-a]",
    0,
    -1.5,
    True,
    [],
    [None],
    [{}],
    {},
    {"a": {"b": 1}},
    {"Ref": "AWS::NoValue"},
    {"Ref": "Nothing"},
    {"Ref": ["a"]},
    {"Fn::GetAtt": "Nothing.Arn"},
    {"Fn::GetAtt": []},
    {"Fn::Sub": ["${a}${b.c}", {"a": {"Ref": "Nothing"}}]},
    {"Fn::Sub": ["${a}", 1.5]},
    {"Fn::Join": ["-", {"Ref": "Nothing"}]},
    {"Fn::If": ["Large", [1], {"Ref": "AWS::NoValue"}]},
    {"Fn::If": "wrong"},
    {"Fn::FindInMap": [{}, [], 1]},
    {"Fn::Transform": {"Name": "Macro"}},
]
A_SEED = 100
"""Templates that are made of one seed."""


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): plain(below) for key, below in value.items()}
    return [plain(below) for below in value] if isinstance(value, list) else value


def ways(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to each value below a value."""
    below: Any = ()
    if isinstance(value, dict):
        below = value.items()
    elif isinstance(value, list):
        below = enumerate(value)
    for key, each in below:
        yield (*way, key)
        yield from ways(each, (*way, key))


@pytest.mark.parametrize("seed", range(4))
def test_no_rule_fails_over_a_strange_value(seed: int) -> None:
    choose = random.Random(seed)
    for _ in range(A_SEED):
        # given
        resources = plain(read(choose.choice(pairs()).failing).body["Resources"])
        *above, last = choose.choice([way for way in ways(resources) if len(way) > 1])
        here: Any = resources
        for step in above:
            here = here[step]
        here[last] = choose.choice(STRANGE)
        # when
        template = Template("strange.yaml", {"Resources": resources})
        # then
        assert isinstance(found(template), list)
