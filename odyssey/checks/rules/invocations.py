"""Rules of what calls a function: URLs, permissions, schedules, and capacity that is held for it.

Sources:
    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from odyssey.checks import limits, policies
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule
from odyssey.checks.rules.functions import FUNCTION
from odyssey.checks.schedules import problem
from odyssey.checks.template import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource, Template

_URLS = "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
_PERMISSION = "https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html"
_PROVISIONED = "https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html"
_RESERVED = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"
_SCHEDULES = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
_SCHEDULE_ROLE = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html"
_EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html"

_SERVICE = re.compile(r"(?!cloudformation\.).+\.amazonaws\.com")
_SOURCES = ("SourceArn", "SourceAccount", "PrincipalOrgID", "EventSourceToken")


def _permissions(found: Template, called: Resource | None) -> Iterator[Resource]:
    """Yield the permissions to call a function, also those that may be for another one."""
    name = called.get("FunctionName") if called else None
    for permission in found.of("AWS::Lambda::Permission"):
        aimed = _function(found, permission.target("FunctionName"))
        told = permission.get("FunctionName")
        if aimed == called if aimed else told is UNKNOWN or name is UNKNOWN or told == name:
            yield permission


def _function(found: Template, resource: Resource | None) -> Resource | None:
    """Return the function that a version or an alias is of, or the function itself."""
    steps = 0
    while resource is not None and resource.type != FUNCTION and steps < 3:
        resource, steps = resource.target("FunctionName"), steps + 1
    return resource


@rule(
    "LM131",
    Severity.WARNING,
    "template",
    "A function URL asks its callers who they are",
    source=_URLS,
    fix="take AuthType: AWS_IAM, or ignore this rule with a reason where the world may call",
)
def open_url(found: Template) -> Iterator[Fault]:
    """With AuthType NONE and its permission anybody on the internet calls, and you pay."""
    for url in found.of("AWS::Lambda::Url"):
        if url.get("AuthType") == "NONE" and any(_is_public(found, url)):
            yield Fault("anybody may call the URL", url, ("AuthType",), "NONE", "AWS_IAM")


@rule(
    "LM132",
    Severity.WARNING,
    "template",
    "A public function URL has its permission",
    source=_URLS,
    fix=(
        "take AuthType: AWS_IAM; or add a Lambda permission with Principal * and "
        "FunctionUrlAuthType NONE"
    ),
)
def closed_url(found: Template) -> Iterator[Fault]:
    """AuthType NONE alone lets nobody in: without the permission each call is answered by 403."""
    for url in found.of("AWS::Lambda::Url"):
        if url.get("AuthType") == "NONE" and not any(_is_public(found, url)):
            yield Fault(
                "nobody may call the URL: each call is answered by 403",
                url,
                ("AuthType",),
                "NONE",
                "AWS_IAM, or a permission of lambda:InvokeFunctionUrl for *",
            )


def _is_public(found: Template, url: Resource) -> Iterator[bool]:
    called = _function(found, url.target("TargetFunctionArn"))
    for permission in _permissions(found, called):
        yield (
            permission.get("Principal") == "*"
            and permission.get("Action") in ("lambda:InvokeFunctionUrl", "lambda:*")
        )


@rule(
    "LM133",
    Severity.WARNING,
    "template",
    "A permission to invoke a function is not everybody's",
    source=_PERMISSION,
    fix="name the account or the service, and for a service SourceArn or SourceAccount",
)
def open_permission(found: Template) -> Iterator[Fault]:
    """With Principal ``*`` and nothing that narrows it every account of AWS may call."""
    for permission in found.of("AWS::Lambda::Permission"):
        if permission.get("Principal") != "*" or _is_narrowed(permission):
            continue
        if permission.get("FunctionUrlAuthType") is None:
            yield Fault(
                "everybody may call the function",
                permission,
                ("Principal",),
                "*",
                "an account, or a service and its source",
            )


@rule(
    "LM134",
    Severity.WARNING,
    "template",
    "A service that may invoke a function does so for a named source",
    source=_PERMISSION,
    fix="add SourceArn, and for S3 SourceAccount too",
)
def confused_deputy(found: Template) -> Iterator[Fault]:
    """Otherwise the bucket, rule or API of any other account can have the service call it."""
    for permission in found.of("AWS::Lambda::Permission"):
        principal = permission.get("Principal")
        # CloudFormation calls macros, for stacks of this account alone.
        is_service = isinstance(principal, str) and bool(_SERVICE.fullmatch(principal))
        if is_service and not _is_narrowed(permission):
            yield Fault(
                f"{principal} may call for anybody",
                permission,
                ("SourceArn",),
                None,
                "a SourceArn or a SourceAccount",
            )


def _is_narrowed(permission: Resource) -> bool:
    return any(permission.raw(name) is not None for name in _SOURCES)


@rule(
    "LM135",
    Severity.ERROR,
    "template",
    "Provisioned concurrency is of a published version",
    source=_PROVISIONED,
    fix="publish a version (AWS::Lambda::Version), and let the alias name it",
)
def unpublished(found: Template) -> Iterator[Fault]:
    """Lambda refuses to hold environments of ``$LATEST`` ready."""
    for alias in found.of("AWS::Lambda::Alias"):
        holds = alias.raw("ProvisionedConcurrencyConfig") is not None
        if holds and alias.get("FunctionVersion") == "$LATEST":
            yield Fault(
                "provisioned concurrency of $LATEST",
                alias,
                ("FunctionVersion",),
                "$LATEST",
                "the number of a version",
            )


@rule(
    "LM136",
    Severity.ERROR,
    "template",
    "A function reserves no less concurrency than is provisioned for it",
    source=_RESERVED,
    fix="raise ReservedConcurrentExecutions, or provision less",
)
def over_provisioned(found: Template) -> Iterator[Fault]:
    """Lambda refuses to provision more than the function may use at once."""
    for holder in found.of("AWS::Lambda::Alias", "AWS::Lambda::Version"):
        path = ("ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions")
        called = _function(found, holder)
        wanted = limits.number(holder.get(*path))
        most = limits.number(called.get("ReservedConcurrentExecutions")) if called else None
        if wanted is not None and most is not None and wanted > most:
            yield Fault(
                f"{wanted} provisioned, {most} reserved", holder, path, wanted, f"at most {most}"
            )


@rule(
    "LM137",
    Severity.WARNING,
    "template",
    "A function may run at all",
    source=_RESERVED,
    fix="reserve one or more, or leave ReservedConcurrentExecutions out",
)
def throttled(found: Template) -> Iterator[Fault]:
    """Reserved concurrency of 0 turns a function off: each call of it is refused."""
    for each in found.of(FUNCTION):
        for path, value in each.each("ReservedConcurrentExecutions"):
            if limits.number(value) == 0:
                yield Fault("no concurrency: each call is refused", each, path, 0, "1 or more")


@rule(
    "LM141",
    Severity.ERROR,
    "template",
    "A schedule is one that EventBridge can read",
    source=_SCHEDULES,
    fix="write rate(5 minutes), cron(0 3 ? * MON *) or, for the Scheduler, at(2027-01-31T03:00:00)",
)
def schedule(found: Template) -> Iterator[Fault]:
    """A schedule that cannot be read is refused.

    A cron of AWS has six fields, with the year; one of the two days is ``?``; and for a rule of
    EventBridge the unit of a rate is singular for 1 and plural for more.
    """
    kinds = {"AWS::Events::Rule": False, "AWS::Scheduler::Schedule": True}
    for each in found.of(*kinds):
        for path, value in each.each("ScheduleExpression"):
            wrong = problem(str(value), scheduler=kinds[each.type])
            if wrong:
                limit = "rate(NUMBER UNIT) or a cron of six fields"
                yield Fault(f'"{value}": {wrong}', each, path, value, limit)


@rule(
    "LM142",
    Severity.ERROR,
    "template",
    "A schedule's role trusts the Scheduler",
    source=_SCHEDULE_ROLE,
    fix="let scheduler.amazonaws.com assume the role, with sts:AssumeRole",
)
def schedule_role(found: Template) -> Iterator[Fault]:
    """Otherwise the schedule is refused: the role must allow the Scheduler to assume it."""
    for each in found.of("AWS::Scheduler::Schedule"):
        role = each.target("Target", "RoleArn")
        if role is None or role.type != "AWS::IAM::Role":
            continue
        if policies.trusts(role, "scheduler.amazonaws.com") is False:
            yield Fault(
                f"the role {role.id} does not trust scheduler.amazonaws.com",
                each,
                ("Target", "RoleArn"),
                role.id,
                "a role that scheduler.amazonaws.com may assume",
            )


@rule(
    "LM143",
    Severity.WARNING,
    "template",
    "A rule that targets a function may invoke it",
    source=_EVENTS,
    fix="add an AWS::Lambda::Permission for events.amazonaws.com with the rule's ARN",
)
def rule_permission(found: Template) -> Iterator[Fault]:
    """Without the permission the rule fires and nothing runs; no deployment tells."""
    for each in found.of("AWS::Events::Rule"):
        targets = each.raw("Targets")
        for number, target in enumerate(targets if isinstance(targets, list) else ()):
            arn = target.get("Arn") if hasattr(target, "get") else None
            called = _function(found, found.target(arn))
            if called is None or called.type != FUNCTION or "RoleArn" in target:
                continue
            allowed = {str(p.get("Principal")) for p in _permissions(found, called)}
            if not allowed & {"events.amazonaws.com", "*"}:
                yield Fault(
                    f"events.amazonaws.com may not call {called.id}",
                    each,
                    ("Targets", number, "Arn"),
                    called.id,
                    "a permission for the rule",
                )
