"""The file of prices: what is in it, what is refused, and what is never guessed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from odyssey.errors import UsageError
from odyssey.review import prices


def document(**more: Any) -> dict[str, Any]:
    told = {
        "version": 1,
        "date": "2026-01-31",
        "currency": "USD",
        "sources": {"page": {"text": "the page", "date": "2026-01-30"}},
        "regions": {
            "us-east-1": {"hosting": {"sources": ["page"], "prices": {"ml.m5.large": 0.5}}}
        },
    }
    return {**told, **more}


def written(folder: Path, told: object) -> Path:
    file = folder / "prices.json"
    file.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    return file


def test_our_own_file_has_a_source_for_each_price() -> None:
    # given
    told = json.loads(prices.OWN.read_text(encoding="utf-8"))

    # then
    assert prices.load().of("hosting", "ml.m5.large") == 0.115
    for tables in told["regions"].values():
        for table in tables.values():
            assert table["sources"]
            assert all(0 < price < 200 for price in table["prices"].values())


def test_a_region_that_is_not_in_the_file_has_no_prices() -> None:
    # when
    found = prices.load(None, "eu-west-3")

    # then
    assert found.facts.region == ""
    assert found.of("hosting", "ml.m5.large") is None


def test_where_nobody_knows_the_region_the_one_that_is_taken_is_told() -> None:
    # when
    assumed, known = prices.load(), prices.load(None, "us-east-1")

    # then
    assert (assumed.facts.region, assumed.facts.assumed) == ("us-east-1", True)
    assert not known.facts.assumed
    assert assumed.tables == known.tables


def test_prices_have_the_day_of_their_newest_source() -> None:
    assert prices.load(None, "eu-west-1").facts.date == "2023-12-31"


def test_a_file_of_ones_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    # given
    file = written(tmp_path, document())

    # when
    found = prices.load(file, "us-east-1")

    # then
    assert found.of("hosting", "ml.m5.large") == 0.5
    assert found.of("kms", "key_month") is None
    assert (found.facts.file, found.facts.source) == (str(file), "the page (2026-01-30)")


REFUSED = {
    "version": (document(version=2), "version: 2: must be 1"),
    "date": (document(date="today"), "date: 'today': must be a day"),
    "currency": (document(currency="EUR"), "must be USD"),
    "key": (document(region={}), "region: unknown key, did you mean regions?"),
    "table": (
        document(regions={"us-east-1": {"hostin": {"prices": {}}}}),
        "regions.us-east-1.hostin: unknown table, did you mean hosting?",
    ),
    "price": (
        document(regions={"us-east-1": {"kms": {"prices": {"key_mont": 1}}}}),
        "kms.key_mont: unknown price, did you mean key_month?",
    ),
    "instance": (
        document(regions={"us-east-1": {"hosting": {"prices": {"m5.large": 1}}}}),
        "hosting.m5.large: must be an instance type",
    ),
    "number": (
        document(regions={"us-east-1": {"hosting": {"prices": {"ml.m5.large": "0.1"}}}}),
        "ml.m5.large: '0.1': must be a number",
    ),
    "not a number": (
        document(regions={"us-east-1": {"hosting": {"prices": {"ml.m5.large": float("nan")}}}}),
        "ml.m5.large: nan: must be a number",
    ),
    "source": (
        document(regions={"us-east-1": {"hosting": {"sources": ["pag"], "prices": {}}}}),
        "'pag' is not in sources, did you mean page?",
    ),
    "regions": (document(regions=[]), "regions: must be an object"),
    "list": ("[]", "must be an object"),
    "no JSON": ("{", "is no file of prices"),
    "an offer of another service": ({"offerCode": "AmazonEC2"}, "must be AmazonSageMaker"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_no_file_of_prices_is_refused_with_its_place(
    case: str, tmp_path: Path
) -> None:
    # given
    told, problem = REFUSED[case]
    file = written(tmp_path, told)

    # when
    with pytest.raises(UsageError, match=re.escape(problem)) as caught:
        prices.load(file, "us-east-1")

    # then
    assert str(file) in caught.value.message


def test_a_file_that_is_not_there_is_a_mistake_of_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        prices.load(tmp_path / "none.json")


def test_an_offer_of_aws_gives_the_instances_and_leaves_the_rest(tmp_path: Path) -> None:
    # given
    def product(component: str) -> dict[str, Any]:
        about = {
            "component": component,
            "instanceName": "ml.c9z.large",
            "regionCode": "eu-north-1",
            "instanceType": f"ml.c9z.large-{component}",
        }
        return {"productFamily": "ML Instance", "attributes": about}

    def term(price: str) -> dict[str, Any]:
        return {"T": {"priceDimensions": {"D": {"unit": "Hrs", "pricePerUnit": {"USD": price}}}}}

    offer = {
        "offerCode": "AmazonSageMaker",
        "publicationDate": "2026-10-05T12:00:00Z",
        "products": {
            "A": product("Hosting"),
            "B": product("Training"),
            "C": product("Batch Transform"),
            "D": product("Notebook"),
        },
        "terms": {
            "OnDemand": {"A": term("1.5"), "B": term("2.5"), "C": term("3.5"), "D": term("9")}
        },
    }
    file = written(tmp_path, offer)

    # when
    north, east = prices.load(file, "eu-north-1"), prices.load(file, "us-east-1")

    # then
    asked = [north.of(table, "ml.c9z.large") for table in prices.INSTANCES]
    assert asked == [1.5, 2.5, 3.5]
    assert north.facts.date == "2026-10-05"
    assert east.of("hosting", "ml.m5.large") is None
    assert east.of("kms", "key_month") == 1.0
