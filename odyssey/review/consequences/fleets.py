"""What an endpoint runs: the variants of its configuration, on each side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odyssey.checks.template import Resource
    from odyssey.review.comparison import Compared

CONFIG = "AWS::SageMaker::EndpointConfig"


@dataclass(frozen=True)
class Fleet:
    """What one configuration runs.

    Args:
        config: The configuration; None where the template does not tell it.
    """

    config: Resource | None

    @property
    def known(self) -> bool:
        """Whether the template tells it."""
        return self.config is not None

    @cached_property
    def variants(self) -> dict[str, dict[str, Any]]:
        """The variants that are known, by name."""
        found = self.config.get("ProductionVariants") if self.config else None
        variants = found if isinstance(found, list) else []
        return {
            each["VariantName"]: each
            for each in variants
            if isinstance(each, dict) and isinstance(each.get("VariantName"), str)
        }

    @property
    def names(self) -> set[str]:
        """The names of the variants."""
        return set(self.variants)

    @property
    def serverless(self) -> list[str]:
        """The variants without instances."""
        return [name for name, each in self.variants.items() if each.get("ServerlessConfig")]

    @property
    def instances(self) -> list[str]:
        """The variants on instances."""
        return [name for name, each in self.variants.items() if each.get("InstanceType")]

    @property
    def asynchronous(self) -> bool:
        """Whether it takes requests of a queue alone."""
        return self.config is not None and bool(self.config.raw("AsyncInferenceConfig"))

    @property
    def words(self) -> str:
        """Its instances, for a reader, such as ``2 x ml.m5.large``."""
        found = []
        for name in self.instances:
            each = self.variants[name]
            count = each.get("InitialInstanceCount")
            number = f"{count} x " if isinstance(count, int) else ""
            kind = each["InstanceType"]
            found.append(f"{number}{kind if isinstance(kind, str) else 'its instances'}")
        return " and ".join(found) or "the whole fleet"


def fleets(endpoint: Compared) -> tuple[Fleet, Fleet]:
    """Return what an endpoint runs on each side."""
    return _fleet(endpoint.before), _fleet(endpoint.after)


def _fleet(endpoint: Resource | None) -> Fleet:
    if endpoint is None:
        return Fleet(None)
    target = endpoint.target("EndpointConfigName")
    if target is not None and target.type == CONFIG:
        return Fleet(target)
    name = endpoint.get("EndpointConfigName")
    for config in endpoint.template.of(CONFIG):
        if isinstance(name, str) and config.get("EndpointConfigName") == name:
            return Fleet(config)
    return Fleet(None)
