"""What Lambda functions cost: requests, and seconds of memory.

Source: https://aws.amazon.com/lambda/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from odyssey.checks.template import UNKNOWN
from odyssey.review.endpoint_costs import SECONDS_ASSUMED
from odyssey.review.money import SECONDS, dollars
from odyssey.review.report import CostLine

if TYPE_CHECKING:
    from odyssey.checks.template import Resource
    from odyssey.review.prices import PriceList

FREE_STORAGE_MB = 512
"""What of ``/tmp`` costs nothing."""


def function(resource: Resource, prices: PriceList) -> Iterator[CostLine]:
    """Yield what the requests of a function cost."""
    memory, architecture = _memory(resource), _architecture(resource)
    timeout = resource.get("Timeout")
    storage = _or(resource.get("EphemeralStorage", "Size"), FREE_STORAGE_MB)
    if not all(isinstance(each, int) for each in (memory, storage)) or architecture is UNKNOWN:
        what = "only a deployment knows its memory, its storage or its processor"
        yield CostLine(resource.template.stack, resource.id, "a function", known=False, basis=what)
        return
    what = f"requests, with {memory} MB on {architecture}"
    request = prices.of("lambda", "request")
    second = _by_second(prices, memory, str(architecture), storage)
    if request is None or second is None:
        missing = _missing(prices, f"{architecture} functions")
        yield CostLine(resource.template.stack, resource.id, what, 0.0, known=False, basis=missing)
        return
    per_1000 = 1000 * (request + SECONDS_ASSUMED * second)
    basis = "nothing while nobody calls; 1,000 requests of 100 ms each, which is assumed"
    longest = _or(timeout, 3)
    if isinstance(longest, int):
        most = dollars(1000 * (request + longest * second))
        basis += f"; {most} where each takes {longest} s, the function's timeout"
    yield CostLine(resource.template.stack, resource.id, what, 0.0, per_1000, basis=basis)


def held_ready(resource: Resource, prices: PriceList) -> Iterator[CostLine]:
    """Yield what the provisioned concurrency of a version or an alias costs."""
    if resource.raw("ProvisionedConcurrencyConfig") is None:
        return
    count = resource.get("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions")
    of = resource.target("FunctionName")
    stack = resource.template.stack
    if not isinstance(count, int) or of is None:
        what = "only a deployment knows how many, or of what function"
        yield CostLine(stack, resource.id, "calls kept ready", known=False, basis=what)
        return
    memory, architecture = _memory(of), _architecture(of)
    price = prices.of("lambda", f"{architecture}_provisioned_gb_second")
    what = f"{count} calls kept ready, with {memory} MB on {architecture}"
    if not isinstance(memory, int) or price is None:
        missing = _missing(prices, f"provisioned concurrency on {architecture}")
        yield CostLine(stack, resource.id, what, known=False, basis=missing)
        return
    basis = f"{count} x {memory / 1024:g} GB x {dollars(price)} a second, all the month"
    yield CostLine(stack, resource.id, what, count * memory / 1024 * price * SECONDS, basis=basis)


def _by_second(prices: PriceList, memory: int, architecture: str, storage: int) -> float | None:
    """Return what a second of a call costs; None where a price of it is not known."""
    price = prices.of("lambda", f"{architecture}_gb_second")
    room = prices.of("lambda", "ephemeral_storage_gb_second")
    more = max(0, storage - FREE_STORAGE_MB) / 1024
    if price is None or (more and room is None):
        return None
    return memory / 1024 * price + more * (room or 0.0)


def _memory(resource: Resource) -> Any:
    return _or(resource.get("MemorySize"), 128)


def _architecture(resource: Resource) -> Any:
    found = resource.get("Architectures")
    if found is UNKNOWN or (isinstance(found, list) and UNKNOWN in found):
        return UNKNOWN
    return found[0] if isinstance(found, list) and found else "x86_64"


def _or(value: Any, default: int) -> Any:
    return default if value is None or isinstance(value, Mapping) else value


def _missing(prices: PriceList, what: str) -> str:
    facts = prices.facts
    return f"no price of {what} in {facts.file} for {facts.region or 'this region'}"
