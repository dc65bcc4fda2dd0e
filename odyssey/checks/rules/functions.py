"""Rules of Lambda functions: their limits, and the role that they take.

Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from odyssey.checks import limits, policies
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource, Template

_LIMITS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
_SCHEMA = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"
_ROLE = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"
_SQS = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"

FUNCTION = "AWS::Lambda::Function"


def is_image(found: Resource) -> bool:
    """Return whether a function is a container image."""
    return found.get("PackageType") == "Image" or found.raw("Code", "ImageUri") is not None


def is_classic(found: Resource) -> bool:
    """Return whether a function is a standard one, not one on instances of its owner."""
    return found.raw("CapacityProviderConfig") is None


def _beyond(found: Resource, what: str, *path: str) -> Iterator[Fault]:
    limit = limits.of("lambda", "CreateFunction", *path)
    for way, value in found.each(*path):
        if not limit.admits(value):
            message = f"{what} is {value}"
            yield Fault(message, found, way, value, limit.describe())


@rule(
    "LM101",
    Severity.ERROR,
    "template",
    "A function has 128 to 10,240 MB of memory",
    source=_LIMITS,
    fix="choose a memory within the limit; a larger model belongs on SageMaker",
)
def memory(found: Template) -> Iterator[Fault]:
    """A function with another amount of memory is refused when it is made.

    The API's model and CloudFormation's schema allow 32,768 MB, which only functions on managed
    instances may have, so that other linters pass what AWS refuses.
    """
    for each in found.of(FUNCTION):
        if is_classic(each):
            yield from _beyond(each, "the memory in MB", "MemorySize")


@rule(
    "LM102",
    Severity.ERROR,
    "template",
    "A function runs for 1 to 900 seconds",
    source=_LIMITS,
    fix="choose a timeout of at most 900 seconds; longer work belongs in a SageMaker job",
)
def timeout(found: Template) -> Iterator[Fault]:
    """A longer timeout is refused when the function is made; the API's model allows more."""
    for each in found.of(FUNCTION):
        if is_classic(each):
            yield from _beyond(each, "the timeout in seconds", "Timeout")


@rule(
    "LM103",
    Severity.WARNING,
    "template",
    "A function of a container image says how long it may run",
    source=_SCHEMA,
    fix="set Timeout, such as 60",
)
def no_timeout(found: Template) -> Iterator[Fault]:
    """Without a timeout a function is ended after 3 seconds.

    A container that loads a model is rarely ready by then, so that its first calls fail.
    """
    for each in found.of(FUNCTION):
        if is_image(each) and each.raw("Timeout") is None:
            yield Fault(
                "no timeout: the function is ended after 3 seconds",
                each,
                ("Timeout",),
                3,
                "1 to 900 seconds, long enough to load a model",
            )


@rule(
    "LM104",
    Severity.ERROR,
    "template",
    "A function has 512 to 10,240 MB in /tmp",
    source=_LIMITS,
    fix="choose a size within the limit",
)
def storage(found: Template) -> Iterator[Fault]:
    """A function with another size of /tmp is refused when it is made."""
    for each in found.of(FUNCTION):
        if is_classic(each):
            yield from _beyond(each, "the storage in MB", "EphemeralStorage", "Size")


@rule(
    "LM109",
    Severity.ERROR,
    "template",
    "A function's name has 64 characters at most",
    source=_SCHEMA,
    fix="leave the name to CloudFormation, or shorten it; take letters, digits, - and _",
)
def function_name(found: Template) -> Iterator[Fault]:
    """The API's model allows 140 characters, because a name may be an ARN in other calls."""
    limit = limits.of("lambda", "CreateFunction", "FunctionName")
    for each in found.of(FUNCTION):
        for path, name in each.each("FunctionName"):
            if not name:
                continue
            is_short = isinstance(name, str) and len(name) <= int(limit.max or 64)
            if not is_short or not re.fullmatch(r"[a-zA-Z0-9-_]+", name):
                message = f'the name "{name}" has {len(str(name))} characters'
                yield Fault(message, each, path, name, "1 to 64 that match [a-zA-Z0-9-_]+")


@rule(
    "LM110",
    Severity.ERROR,
    "template",
    "A function has one architecture",
    source=_SCHEMA,
    fix="name one: x86_64, or arm64 where the image is built for it",
)
def architectures(found: Template) -> Iterator[Fault]:
    """A function runs on one processor, and its image must be built for just that.

    A function with two is refused; one with the wrong one fails with ``exec format error``.
    """
    for each in found.of(FUNCTION):
        for path, value in each.each("Architectures"):
            if isinstance(value, list) and len(value) != 1:
                yield Fault(f"{len(value)} architectures", each, path, value, "exactly one")


@rule(
    "LM111",
    Severity.ERROR,
    "template",
    "A function's role trusts Lambda",
    source=_ROLE,
    fix="let lambda.amazonaws.com assume the role, with sts:AssumeRole",
)
def role_trust(found: Template) -> Iterator[Fault]:
    """Otherwise the function is refused: "The role defined for the function cannot be assumed"."""
    for each in found.of(FUNCTION):
        role = each.target("Role")
        if role is None or role.type != "AWS::IAM::Role":
            continue
        if policies.trusts(role, "lambda.amazonaws.com") is False:
            yield Fault(
                f"the role {role.id} does not trust lambda.amazonaws.com",
                each,
                ("Role",),
                role.id,
                "a role that lambda.amazonaws.com may assume",
            )


@rule(
    "LM112",
    Severity.WARNING,
    "template",
    "The role of a function in a VPC may make network interfaces",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
    fix="attach AWSLambdaVPCAccessExecutionRole, or allow the ec2 actions that it has",
)
def vpc_rights(found: Template) -> Iterator[Fault]:
    """Lambda makes the interfaces with the function's own role.

    It refuses a function whose role may not call ec2:CreateNetworkInterface.
    """
    for each in found.of(FUNCTION):
        role = each.target("Role")
        if not each.get("VpcConfig", "SubnetIds") or role is None or role.type != "AWS::IAM::Role":
            continue
        arns = role.raw("ManagedPolicyArns") or ()
        if any(_may_have_vpc_rights(policies.text(found, arn)) for arn in arns):
            continue
        action = "ec2:CreateNetworkInterface"
        if not any(statement.grants(action) for statement in policies.attached(role)):
            yield Fault(
                f"the role {role.id} does not allow {action}",
                each,
                ("Role",),
                role.id,
                "a role that allows ec2:CreateNetworkInterface",
            )


def _may_have_vpc_rights(arn: str) -> bool:
    known = ("AWSLambdaBasicExecutionRole", "AmazonS3ReadOnlyAccess", "AWSXRayDaemonWriteAccess")
    return not arn.endswith(known)


@rule(
    "LM113",
    Severity.ERROR,
    "template",
    "A queue hides a message for as long as its function may run",
    source=_SQS,
    fix="raise the queue's VisibilityTimeout; AWS advises six times the function's timeout",
)
def visibility(found: Template) -> Iterator[Fault]:
    """The event source is refused where the function may run longer than a message is hidden."""
    for source in found.of("AWS::Lambda::EventSourceMapping"):
        queue, called = source.target("EventSourceArn"), source.target("FunctionName")
        if queue is None or queue.type != "AWS::SQS::Queue":
            continue
        if called is None or called.type != FUNCTION:
            continue
        hidden, runs = queue.get("VisibilityTimeout"), called.get("Timeout")
        hides = limits.number(30 if hidden is None else hidden)
        lasts = limits.number(3 if runs is None else runs)
        if hides is not None and lasts is not None and hides < lasts:
            yield Fault(
                f"messages are hidden for {hides} s, and {called.id} runs for up to {lasts} s",
                queue,
                ("VisibilityTimeout",),
                hides,
                f"at least {lasts} seconds",
            )
