"""The reviews of changes, byte by byte.

``pytest tests/review/test_golden.py --update-golden`` writes them anew; read the diff.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import odyssey.review
from odyssey.review import document, markdown, service, summary
from odyssey.review.report import Review
from tests.review.cases import CASES, GOLDEN

EVERY = pytest.mark.parametrize("name", CASES)
SCHEMA = Path(odyssey.review.__file__).parent / "review.schema.json"


@pytest.fixture(scope="module")
def made() -> dict[str, Review]:
    return {
        name: service.of_sides(*case.sides(), app="iris", max_monthly=200.0)
        for name, case in CASES.items()
    }


@EVERY
def test_the_review_is_as_it_was(
    name: str, made: dict[str, Review], request: pytest.FixtureRequest
) -> None:
    texts = {
        "review.md": markdown.render(made[name]),
        "review.json": document.render(made[name]),
        "summary.txt": summary.text(made[name], paint=lambda text, colour: text) + "\n",
    }
    if request.config.getoption("--update-golden"):
        (GOLDEN / name).mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            (GOLDEN / name / file).write_text(text)
    assert texts == {file: (GOLDEN / name / file).read_text() for file in texts}


@EVERY
def test_the_document_keeps_its_schema(name: str, made: dict[str, Review]) -> None:
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    found = json.loads(document.render(made[name]))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(found)] == []


def test_the_schema_refuses_what_is_no_review(made: dict[str, Review]) -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text()))
    good = json.loads(document.render(made["rename"]))
    for bad in (
        good | {"version": 2},
        {name: value for name, value in good.items() if name != "changes"},
        good | {"changes": [good["changes"][0] | {"action": "explode"}]},
        good | {"more": 1},
    ):
        assert not validator.is_valid(bad)


def test_no_golden_review_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(CASES)
