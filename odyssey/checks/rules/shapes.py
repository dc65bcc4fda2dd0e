"""Rules of AWS's own models, for what no rule of its own tells with more words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from odyssey.checks.findings import Severity
from odyssey.checks.requests import kind_of, problems
from odyssey.checks.rule import Fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template
    from odyssey.shapes import Problem


@rule(
    "SM901",
    Severity.ERROR,
    "template",
    "A resource of SageMaker is as SageMaker's model has it",
    source="the model of SageMaker that is installed with botocore",
    fix="correct the property",
)
def sagemaker(found: Template) -> Iterator[Fault]:
    """SageMaker refuses the request that CloudFormation makes of the resource.

    CloudFormation checks few of these limits itself, and tells of the first one alone. What the
    API requires and CloudFormation does not is a warning, and so are a member that only looks like
    one of the API's, and a choice that may be newer than the installed model.
    """
    for resource in found.resources.values():
        if resource.type.startswith("AWS::SageMaker::"):
            for path, problem in problems(resource):
                severity = _severity(problem)
                if severity:
                    yield Fault(
                        str(problem), resource, path, problem.seen, problem.rule, "", severity
                    )


def _severity(problem: Problem) -> Severity | None:
    kind = kind_of(problem)
    if kind == "limit":
        newer = problem.doubtful or "enum value set" in problem.constraint
        return Severity.WARNING if newer else Severity.ERROR
    if kind == "type":
        many = isinstance(problem.value, Mapping | list)
        due = problem.rule.rpartition(" ")[2] in ("structure", "map", "list")
        told = problem.value is not None and not isinstance(problem.value, bool)
        return Severity.ERROR if told and (many or due) else None
    if kind == "unknown" and problem.rule == "is not known to AWS":
        return None  # CloudFormation's schema knows better.
    return Severity.WARNING


def _limits(found: Template, type_: str) -> Iterator[Fault]:
    for resource in found.of(type_):
        for path, problem in problems(resource):
            if kind_of(problem) == "limit":
                severity = _severity(problem)
                yield Fault(str(problem), resource, path, problem.seen, problem.rule, "", severity)


@rule(
    "LM901",
    Severity.ERROR,
    "template",
    "A function keeps the limits of Lambda's model",
    source="the model of Lambda that is installed with botocore",
    fix="set it within the limit",
)
def function(found: Template) -> Iterator[Fault]:
    """Lambda refuses the request that CloudFormation makes of the function."""
    yield from _limits(found, "AWS::Lambda::Function")


@rule(
    "ECR901",
    Severity.ERROR,
    "template",
    "A repository keeps the limits of ECR's model",
    source="the model of ECR that is installed with botocore",
    fix="set it within the limit",
)
def repository(found: Template) -> Iterator[Fault]:
    """ECR refuses the request that CloudFormation makes of the repository."""
    yield from _limits(found, "AWS::ECR::Repository")
