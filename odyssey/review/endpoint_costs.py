"""What endpoints cost: instances by the hour, serverless by the second of memory.

Source: https://aws.amazon.com/sagemaker/pricing/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.checks.template import UNKNOWN
from odyssey.review.money import HOURS, SECONDS, dollars
from odyssey.review.report import CostLine

if TYPE_CHECKING:
    from odyssey.checks.template import Resource, Template
    from odyssey.review.prices import PriceList

SECONDS_ASSUMED = 0.1
"""What a request takes where nobody knows; each basis says so."""

SERVERLESS_TIMEOUT = 60
"""Seconds after which a serverless endpoint gives a request up.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
"""


@dataclass(frozen=True)
class _Count:
    """How many instances a variant has; None where it is not known."""

    low: int | None
    high: int | None = None
    why: str = ""

    @property
    def text(self) -> str:
        if self.low is None:
            return "an unknown number of"
        return f"{self.low} to {self.high}" if self.high not in (None, self.low) else f"{self.low}"


def endpoint(resource: Resource, prices: PriceList) -> Iterator[CostLine]:
    """Yield what an endpoint costs: a line for each variant, and one for each one's disk."""
    config = resource.target("EndpointConfigName")
    if config is None or config.type != "AWS::SageMaker::EndpointConfig":
        what = "its endpoint configuration is not in this template"
        yield _line(resource, "an endpoint", known=False, basis=what)
        return
    for kind in ("ProductionVariants", "ShadowProductionVariants"):
        variants = config.get(kind)
        if variants is UNKNOWN:
            yield _line(resource, "its variants", known=False, basis="only a deployment knows them")
        for variant in variants if isinstance(variants, list) else ():
            if not isinstance(variant, Mapping):
                what = "a variant that only a deployment knows"
                yield _line(resource, "a variant", known=False, basis=what)
            elif variant.get("ServerlessConfig") is not None:
                yield _serverless(resource, variant, prices)
            else:
                yield from _instances(resource, variant, prices)


def _instances(
    resource: Resource, variant: Mapping[str, Any], prices: PriceList
) -> Iterator[CostLine]:
    type_ = variant.get("InstanceType")
    name = _name(variant)
    count = _count(resource.template, resource.id, variant)
    if not isinstance(type_, str) or count.low is None:
        what = f"{count.text} x {type_ if isinstance(type_, str) else 'an unknown type'}, {name}"
        yield _line(resource, what, known=False, basis="only a deployment knows the whole of it")
        return
    what = f"{count.text} x {type_}, {name}"
    price = prices.of("hosting", type_)
    if price is None:
        missing = f"no price of {type_} as an endpoint's instance in {_where(prices)}"
        yield _line(resource, what, known=False, basis=missing)
    else:
        basis = f"{HOURS} hours x {count.low} x {dollars(price)}{count.why}"
        if count.high is not None and count.high != count.low:
            basis += f"; {dollars(count.high * price * HOURS)} with all {count.high}"
        yield _line(resource, what, monthly=count.low * price * HOURS, basis=basis)
    size = variant.get("VolumeSizeInGB")
    if isinstance(size, int) and count.low:
        yield _disk(
            resource, f"{size} GB of disk for each of {count.low}, {name}", size * count.low, prices
        )


def _disk(resource: Resource, what: str, gigabytes: int, prices: PriceList) -> CostLine:
    price = prices.of("sagemaker", "hosting_storage_gb_month")
    if price is None:
        basis = f"no price of an endpoint's disk in {_where(prices)}"
        return _line(resource, what, known=False, basis=basis)
    basis = f"{gigabytes} GB x {dollars(price)} a month"
    return _line(resource, what, monthly=gigabytes * price, basis=basis)


def _serverless(resource: Resource, variant: Mapping[str, Any], prices: PriceList) -> CostLine:
    config = variant["ServerlessConfig"]
    memory = config.get("MemorySizeInMB") if isinstance(config, Mapping) else UNKNOWN
    ready = config.get("ProvisionedConcurrency", 0) if isinstance(config, Mapping) else UNKNOWN
    name = _name(variant)
    if not isinstance(memory, int) or not isinstance(ready, int):
        what = "only a deployment knows its memory or its concurrency"
        return _line(resource, f"serverless, {name}", known=False, basis=what)
    what = f"serverless with {memory} MB, {name}"
    price = prices.of("sagemaker", "serverless_gb_second")
    gigabytes = memory / 1024
    per_1000, monthly = None, 0.0
    told = ["nothing while nobody calls"]
    if price is not None:
        per_1000 = 1000 * SECONDS_ASSUMED * gigabytes * price
        most = dollars(1000 * SERVERLESS_TIMEOUT * gigabytes * price)
        told += [
            f"1,000 requests of 100 ms each, which is assumed; {most} where each takes "
            f"{SERVERLESS_TIMEOUT} s, the longest; data comes on top"
        ]
    else:
        told += [f"no price of serverless inference in {_where(prices)}"]
    known = price is not None
    if ready:
        what += f", {ready} kept ready"
        held = prices.of("sagemaker", "serverless_provisioned_gb_second")
        known = known and held is not None
        if held is None:
            told[0] = f"no price of provisioned concurrency in {_where(prices)}"
            return _line(resource, what, per_1000=per_1000, basis="; ".join(told), known=False)
        monthly = ready * gigabytes * held * SECONDS
        told[0] = f"{ready} x {gigabytes:g} GB x {dollars(held)} a second, all the month"
    return _line(
        resource, what, monthly=monthly, per_1000=per_1000, basis="; ".join(told), known=known
    )


def _count(template: Template, endpoint_id: str, variant: Mapping[str, Any]) -> _Count:
    """Return how many instances a variant has, by its autoscaling where it has one."""
    managed = variant.get("ManagedInstanceScaling")
    if isinstance(managed, Mapping) and managed.get("Status") == "ENABLED":
        return _between(managed.get("MinInstanceCount"), managed.get("MaxInstanceCount"))
    for target in template.of("AWS::ApplicationAutoScaling::ScalableTarget"):
        raw = target.raw("ResourceId")
        if target.get("ScalableDimension") != "sagemaker:variant:DesiredInstanceCount":
            continue
        text = json.dumps(raw, default=str)
        name = str(variant.get("VariantName"))
        ours = template.target(raw) or _named(template, target.get("ResourceId"))
        if ours is not None and ours.id == endpoint_id and f'/variant/{name}"' in text:
            return _between(target.get("MinCapacity"), target.get("MaxCapacity"))
    count = variant.get("InitialInstanceCount", 1)
    return _Count(count if isinstance(count, int) else None)


def _between(low: Any, high: Any) -> _Count:
    if not isinstance(low, int) or not isinstance(high, int):
        return _Count(None)
    why = ", the fewest that autoscaling leaves" if low else ", for autoscaling leaves none of them"
    return _Count(low, high, why)


def _named(template: Template, resource_id: Any) -> Resource | None:
    """Return the endpoint that a whole ``endpoint/NAME/variant/VARIANT`` names."""
    name = str(resource_id).split("/")[1:2]
    for each in template.of("AWS::SageMaker::Endpoint"):
        if name and each.get("EndpointName") == name[0]:
            return each
    return None


def _name(variant: Mapping[str, Any]) -> str:
    name = variant.get("VariantName")
    return f"variant {name}" if isinstance(name, str) else "a variant"


def _where(prices: PriceList) -> str:
    return (
        f"{prices.facts.file} for {prices.facts.region}"
        if prices.facts.region
        else (f"{prices.facts.file}, which has none of this region")
    )


def _line(resource: Resource, what: str, **facts: Any) -> CostLine:
    return CostLine(resource.template.stack, resource.id, what, **facts)
