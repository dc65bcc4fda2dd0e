"""What AWS asks, from a dated file that can be replaced.

A file of prices is JSON::

    {
      "version": 1,
      "date": "2026-09-28",
      "currency": "USD",
      "sources": {"page": {"text": "the pricing page", "date": "2026-09-28", "url": "https://..."}},
      "regions": {
        "us-east-1": {
          "hosting": {"sources": ["page"], "prices": {"ml.m5.large": 0.115}},
          "lambda": {"sources": ["page"], "prices": {"request": 0.0000002}}
        }
      }
    }

``hosting``, ``training`` and ``transform`` have US dollars an hour by instance type; the names in
the other tables are those of `TABLES`, each with its unit. A table or a price may be missing: what
it would be needed for has no known cost. A file of AWS's own, `the offer of SageMaker
<https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html>`_
(``offers/v1.0/aws/AmazonSageMaker/current/REGION/index.json``), is taken too: its instances come in
the place of those in the file that comes with odyssey.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey.errors import UsageError, did_you_mean
from odyssey.review.report import Prices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OWN = Path(__file__).with_name("prices.json")
"""The file that comes with odyssey."""

REGION = "us-east-1"
"""The region whose prices are taken where nobody knows the region."""

INSTANCES = ("hosting", "training", "transform")
"""The tables by instance type, in US dollars an hour."""

TABLES: Mapping[str, tuple[str, ...]] = {
    "sagemaker": (
        "serverless_gb_second",
        "serverless_provisioned_gb_second",
        "hosting_storage_gb_month",
        "training_storage_gb_month",
    ),
    "lambda": (
        "request",
        "x86_64_gb_second",
        "arm64_gb_second",
        "x86_64_provisioned_gb_second",
        "arm64_provisioned_gb_second",
        "ephemeral_storage_gb_second",
    ),
    "ecr": ("storage_gb_month",),
    "s3": ("storage_gb_month", "put_request", "get_request"),
    "cloudwatch": (
        "alarm_month",
        "high_resolution_alarm_month",
        "dashboard_month",
        "metric_month",
        "log_ingested_gb",
        "log_stored_gb_month",
    ),
    "kms": ("key_month", "request"),
    "scheduler": ("invocation",),
    "network": ("nat_gateway_hour", "interface_endpoint_hour"),
    "secrets": ("secret_month",),
}
"""The other tables, and the prices that each may have; the name of a price ends with its unit."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANCE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+")
_COMPONENTS = {"hosting": "hosting", "training": "training", "batchtransform": "transform"}
_HINT = "its format: python -c 'import odyssey.review.prices as p; help(p)'"


@dataclass(frozen=True)
class PriceList:
    """The prices of one region.

    Args:
        facts: Where they are from.
        tables: US dollars by table and by name; what is not in them is not known.
    """

    facts: Prices
    tables: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(self, table: str, name: str) -> float | None:
        """Return a price in US dollars, or None where it is not known."""
        return self.tables.get(table, {}).get(name)


def load(file: Path | None = None, region: str | None = None) -> PriceList:
    """Return the prices of a region.

    Args:
        file: A file of prices. Default: the one that comes with odyssey.
        region: The region, such as ``eu-west-1``. None, where nobody knows it, takes those of
            ``us-east-1``, and says so in the facts.

    Raises:
        UsageError: The file cannot be read, or is no file of prices; all that is wrong is named.
    """
    shown = str(file) if file else f"{OWN.name} of odyssey"
    document = _read(file or OWN, shown)
    if isinstance(document, dict) and "offerCode" in document:
        document = _offered(document, shown)
    if problems := list(_problems(document)):
        raise UsageError("\n".join(f"{shown}: {problem}" for problem in problems), _HINT)
    tables = document["regions"].get(region or REGION)
    facts = Prices(
        file=shown,
        date=_newest(document, tables or {}),
        region=(region or REGION) if tables is not None else "",
        source=_told(document, tables or {}),
        assumed=region is None,
    )
    return PriceList(facts, {name: dict(table["prices"]) for name, table in (tables or {}).items()})


def _read(file: Path, shown: str) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{shown} cannot be read: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown} is no file of prices: it is not UTF-8 text", _HINT) from error
    except ValueError as error:
        raise UsageError(f"{shown} is no file of prices: {error}", _HINT) from error


def _told(document: Mapping[str, Any], tables: Mapping[str, Any]) -> str:
    """Say where a region's prices are from: each source once, with its day."""
    sources: Mapping[str, Any] = document.get("sources", {})
    return "; ".join(f"{sources[name]['text']} ({sources[name]['date']})" for name in _used(tables))


def _newest(document: Mapping[str, Any], tables: Mapping[str, Any]) -> str:
    """Return the day of a region's prices: that of its newest source."""
    dates = [str(document["sources"][name]["date"]) for name in _used(tables)]
    return max(filter(_DATE.fullmatch, dates), default=str(document["date"]))


def _used(tables: Mapping[str, Any]) -> list[str]:
    names = [name for table in tables.values() for name in table.get("sources", ())]
    return list(dict.fromkeys(names))


def _problems(document: Any) -> Iterator[str]:
    """Yield what is wrong with a document, each with its place."""
    if not isinstance(document, dict):
        yield "is no file of prices: it must be an object"
        return
    known = ("version", "date", "currency", "about", "sources", "regions")
    for key in document:
        if key not in known:
            yield f"{key}: unknown key{did_you_mean(key, known)}"
    if document.get("version") != 1:
        yield f"version: {document.get('version')!r}: must be 1"
    if document.get("currency", "USD") != "USD":
        yield f"currency: {document['currency']!r}: must be USD"
    if not _DATE.fullmatch(str(document.get("date", ""))):
        yield f"date: {document.get('date')!r}: must be a day such as 2026-11-01"
    sources = document.get("sources", {})
    if not isinstance(sources, dict):
        yield "sources: must be an object"
        sources = {}
    for name, source in sources.items():
        if not isinstance(source, dict) or not {"text", "date"} <= source.keys():
            yield f"sources.{name}: must have text and date"
    regions = document.get("regions")
    if not isinstance(regions, dict) or not regions:
        yield "regions: must be an object with a region at least"
        return
    for region, tables in regions.items():
        if not isinstance(tables, dict):
            yield f"regions.{region}: must be an object"
            continue
        for name, table in tables.items():
            yield from _wrong_with_table(f"regions.{region}.{name}", name, table, sources)


def _wrong_with_table(
    place: str, name: str, table: Any, sources: Mapping[str, Any]
) -> Iterator[str]:
    known = (*INSTANCES, *TABLES)
    if name not in known:
        yield f"{place}: unknown table{did_you_mean(name, known)}"
        return
    if not isinstance(table, dict) or not isinstance(table.get("prices"), dict):
        yield f"{place}: must be an object with prices"
        return
    for source in table.get("sources", ()):
        if source not in sources:
            yield f"{place}.sources: {source!r} is not in sources{did_you_mean(source, sources)}"
    for price, value in table["prices"].items():
        if name in INSTANCES and not _INSTANCE.fullmatch(price):
            yield f"{place}.{price}: must be an instance type such as ml.m5.large"
        if name in TABLES and price not in TABLES[name]:
            yield f"{place}.{price}: unknown price{did_you_mean(price, TABLES[name])}"
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
            yield f"{place}.{price}: {value!r}: must be a number from 0 to a million"


def _offered(offer: Mapping[str, Any], shown: str) -> dict[str, Any]:
    """Return the document that an offer of AWS's own is, beside the other prices of ours."""
    if offer.get("offerCode") != "AmazonSageMaker":
        what = f"{shown}: offerCode: {offer.get('offerCode')!r}: must be AmazonSageMaker"
        raise UsageError(what, _HINT)
    ours = _read(OWN, OWN.name)
    day = str(offer.get("publicationDate", ""))[:10]
    sources = {**ours["sources"], "offer": {"text": "AWS's own offer file", "date": day}}
    regions: dict[str, Any] = {
        region: {name: table for name, table in tables.items() if name not in INSTANCES}
        for region, tables in ours["regions"].items()
    }
    terms = offer.get("terms", {}).get("OnDemand", {})
    for sku, product in offer.get("products", {}).items():
        about = product.get("attributes", {})
        component = re.sub("[^a-z]", "", str(about.get("component", "")).lower())
        table = _COMPONENTS.get(component)
        price = _on_demand(terms.get(sku, {}))
        type_ = str(about.get("instanceName", ""))
        if table is None or price is None or not _INSTANCE.fullmatch(type_):
            continue
        place = regions.setdefault(str(about.get("regionCode", "")), {})
        place.setdefault(table, {"sources": ["offer"], "prices": {}})["prices"][type_] = price
    return {**ours, "date": day, "sources": sources, "regions": regions}


def _on_demand(terms: Mapping[str, Any]) -> float | None:
    for term in terms.values():
        for dimension in term.get("priceDimensions", {}).values():
            asked = dimension.get("pricePerUnit", {}).get("USD")
            if asked is not None and dimension.get("unit") in ("Hrs", "Hours", "hours"):
                return float(asked)
    return None
