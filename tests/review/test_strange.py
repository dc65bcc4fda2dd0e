"""Templates that no one would write, and somebody does: a review of them is still one."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from odyssey.review import document, service, summary
from tests.review.cases import Bodies, app, side

JUNK: list[Any] = [
    None,
    "",
    0,
    1.5,
    True,
    [],
    {},
    [None],
    [["a"]],
    {"a": {"b": [1]}},
    {"Ref": "Nope"},
    {"Ref": ["x"]},
    {"Fn::GetAtt": "A.B"},
    {"Fn::GetAtt": []},
    {"Fn::Sub": 5},
    {"Fn::Sub": ["${A}", []]},
    {"Fn::Join": ["", None]},
    {"Fn::Join": []},
    {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]},
    {"Fn::ImportValue": {"Fn::Sub": "x"}},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value below the parts of a template."""
    if len(path) > 1:
        yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in entries:
        if isinstance(below, dict | list):
            yield from places(below, (*path, key))
        elif path:
            yield (*path, key)


def spoiled(bodies: Bodies, chance: random.Random) -> Bodies:
    for _ in range(3):
        body = bodies[chance.choice(list(bodies))]
        *way, last = chance.choice(list(places(body)))
        here: Any = body
        for step in way:
            here = here[step]
        here[last] = json.loads(json.dumps(chance.choice(JUNK)))
    return bodies


@pytest.mark.parametrize("name", ["guarded", "lambda"])
def test_a_spoiled_template_is_reviewed_like_any_other(name: str) -> None:
    chance = random.Random(20260101)  # noqa: S311 (the same each time)
    for _ in range(20):
        sides = [side(words, spoiled(app(name), chance)) for words in ("base", "head")]
        review = service.of_sides(*sides, app="iris", check=False)
        assert summary.text(review, paint=lambda text, colour: text)
        assert json.loads(document.render(review))["app"] == "iris"
