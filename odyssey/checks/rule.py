"""What a rule is, and the catalogue of them all.

A rule is a function over one subject that yields a `Fault` for each place where it is broken::

    @rule(
        "SM301",
        Severity.ERROR,
        template,
        "An autoscaled variant needs instances that do not burst",
        source="https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html",
        fix="take another instance type, such as ml.m5.large, or leave the scaling out",
    )
    def burstable(found: Template) -> Iterator[Fault]:
        ...

"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from odyssey.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from odyssey.checks.findings import Severity
    from odyssey.checks.template import Resource

Subject = Literal["settings", "template", "assembly", "image", "model"]
"""What a rule looks at: the app's settings, one template, all templates of an app beside each
other, an image, or the files of a model."""

MODULES = (
    "settings",
    "job_settings",
    "models",
    "containers",
    "environments",
    "execution_roles",
    "endpoint_roles",
    "endpoint_configs",
    "variants",
    "serverless_variants",
    "endpoint_extras",
    "endpoints",
    "endpoint_alarms",
    "rollouts",
    "scaling",
    "scaled_variants",
    "scaling_policies",
    "functions",
    "function_variables",
    "function_images",
    "invocations",
    "repositories",
    "buckets",
    "permissions",
    "grants",
    "network",
    "stacks",
    "ignoring",
    "shapes",
    "image",
    "archive",
)
"""The modules of `odyssey.checks.rules`, in the order of the catalogue."""


@dataclass(frozen=True)
class Fault:
    """A place where a rule is broken.

    Args:
        message: What is wrong, with the value, one sentence without a capital and a final period.
        resource: The resource; None where the fault is not of one.
        path: The way to the value within its properties, or, without a resource, within the file.
        value: The value that was seen; None where something is missing.
        limit: What it must be, in words, such as ``1024 to 6144 in steps of 1024``.
        fix: What to do here; empty is the rule's own fix.
        severity: Another severity than the rule's, for a case that is less certain.
    """

    message: str
    resource: Resource | None = None
    path: tuple[str | int, ...] = ()
    value: Any = None
    limit: str = ""
    fix: str = ""
    severity: Severity | None = None


Check = Callable[[Any], Iterable[Fault]]


@dataclass(frozen=True)
class Rule:
    """One rule of the catalogue.

    Args:
        id: Its id: two to three letters for what it is about, and a number.
        severity: How much a fault matters.
        subject: What it looks at.
        title: The rule, one sentence without a final period.
        source: Where it comes from: addresses, models, or issues.
        fix: What to do about a fault, as an imperative.
        why: What happens otherwise, in a few sentences, for ``odyssey check --explain``.
        check: The function.
    """

    id: str
    severity: Severity
    subject: Subject
    title: str
    source: str
    fix: str
    why: str
    check: Check


_CATALOGUE: dict[str, Rule] = {}


def rule(
    id_: str, severity: Severity, subject: Subject, title: str, *, source: str, fix: str
) -> Callable[[Check], Check]:
    """Add the function below to the catalogue; its docstring is why the rule is there.

    Args:
        id_: The rule's id.
        severity: How much a fault matters.
        subject: What the function takes.
        title: The rule, one sentence without a final period.
        source: Where it comes from.
        fix: What to do about a fault.

    Raises:
        ValueError: There is a rule of this id already.
    """

    def add(check: Check) -> Check:
        if id_ in _CATALOGUE:
            raise ValueError(f"two rules have the id {id_}")
        why = " ".join((check.__doc__ or "").split())
        _CATALOGUE[id_] = Rule(id_, severity, subject, title, source, fix, why, check)
        return check

    return add


@cache
def catalogue() -> tuple[Rule, ...]:
    """Return all rules, sorted by their ids."""
    for module in MODULES:
        import_module(f"odyssey.checks.rules.{module}")
    return tuple(_CATALOGUE[id_] for id_ in sorted(_CATALOGUE))


def named(id_: str) -> Rule:
    """Return the rule of an id.

    Raises:
        UsageError: There is none.
    """
    rules = {each.id: each for each in catalogue()}
    if id_.upper() not in rules:
        raise UsageError(
            f'no rule "{id_}"{did_you_mean(id_.upper(), rules)}', "odyssey check --list"
        )
    return rules[id_.upper()]
