"""What a change does to a function of Lambda, and to those who call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.review.consequences.catalogue import LAMBDA, caution, danger, note, tells
from odyssey.review.report import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.review.comparison import Compared, Comparison
    from odyssey.review.report import Consequence

FUNCTION = "AWS::Lambda::Function"
VERSIONS = f"{LAMBDA}/configuration-versions.html"
ALIASES = f"{LAMBDA}/configuration-aliases.html"
URLS = f"{LAMBDA}/urls-auth.html"
IMAGES = f"{LAMBDA}/images-create.html"
LIMITS = f"{LAMBDA}/gettingstarted-limits.html"


@tells(FUNCTION)
def comes_or_goes(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """A function is deleted, or made anew."""
    if change.action is Action.DELETE:
        yield danger(
            "function-deleted",
            "The function is deleted, with its versions, aliases and URL: whoever calls it fails "
            "from then on.",
            "https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html",
        )
    if change.action is not Action.REPLACE:
        return
    package = change.changed("PackageType")
    if package:
        old, new = (each or "Zip" for each in (package[0].before, package[0].after))
        yield danger(
            "package-type",
            f"PackageType changes from {old} to {new}, and no function can do that: a new one is "
            "made and the old one deleted. Its ARN, versions, aliases, URL and triggers are new; "
            "layers, handler and runtime are not for images.",
            IMAGES,
        )
    elif change.changed("FunctionName"):
        yield danger(
            "function-renamed",
            "A function of another name is made and the old one deleted: whoever calls the old "
            "name, ARN or URL fails from then on.",
            "https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html",
        )


@tells(FUNCTION)
def updated(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """New code or another configuration, in place."""
    if change.action is not Action.UPDATE:
        return
    code = change.changed("Code")
    if code:
        yield note(
            "function-code",
            "The function gets new code in place, without downtime: calls that run end on the old "
            "code, and new ones start cold.",
            "https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html",
        )
    elif change.changed("Role", "Environment", "MemorySize", "Timeout", "VpcConfig", "ImageConfig"):
        yield note(
            "function-configuration",
            "The function gets another configuration in place, without downtime; calls start cold "
            "for a while.",
            "https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionConfiguration.html",
        )
    for name, unit, effect in (
        ("MemorySize", "MB", "a model that does not fit any more ends the call"),
        ("Timeout", "s", "a call that takes longer is cut off"),
    ):
        for each in change.changed(name):
            default = {"MemorySize": 128, "Timeout": 3}[name]
            old, new = (default if v is None else v for v in (each.before, each.after))
            if isinstance(old, int) and isinstance(new, int) and new < old:
                yield caution(
                    "less",
                    f"{name} goes from {old} to {new} {unit}: {effect}.",
                    LIMITS,
                )
    reserved = change.changed("ReservedConcurrentExecutions")
    if reserved and reserved[0].after == 0:
        yield danger(
            "stopped",
            "ReservedConcurrentExecutions is 0: every call is refused.",
            f"{LAMBDA}/configuration-concurrency.html",
        )


@tells(FUNCTION)
def architecture(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Another processor needs another image."""
    if change.changed("Architectures") and not change.changed("Code"):
        yield danger(
            "architecture",
            "The architecture changes and the code does not: an image that is for the other one "
            "ends each call with an exec format error.",
            IMAGES,
        )


@tells("AWS::Lambda::Url")
def url(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """An address on the internet comes, goes, or opens."""
    public = change.after is not None and change.after.get("AuthType") == "NONE"
    was = change.before is not None and change.before.get("AuthType") == "NONE"
    if public and not was:
        yield danger(
            "url-public",
            "AuthType is NONE: whoever knows the address may call the function, from anywhere and "
            "without credentials, and each call is paid for.",
            URLS,
        )
    elif was and not public and change.after is not None:
        yield caution("url-closed", "Callers must sign their requests from now on.", URLS)
    if change.action in {Action.REPLACE, Action.DELETE}:
        yield danger(
            "url-changed",
            "The address of the function "
            + ("changes" if change.action is Action.REPLACE else "is gone")
            + ": whoever calls the old one fails.",
            URLS,
        )


@tells("AWS::Lambda::Alias")
def alias(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """An alias leads to another version, or is gone."""
    if change.action in {Action.DELETE, Action.REPLACE}:
        yield caution(
            "alias",
            "The alias is "
            + ("deleted" if change.action is Action.DELETE else "made anew under another ARN")
            + ": whoever calls it by its old ARN fails.",
            ALIASES,
        )
    elif change.changed("FunctionVersion"):
        kept = change.after is not None and change.after.raw("ProvisionedConcurrencyConfig")
        yield note(
            "alias-moves",
            "The alias goes over to the new version at once."
            + (" Its provisioned instances are made anew, which takes minutes." if kept else ""),
            ALIASES,
        )


@tells("AWS::Lambda::Version")
def version(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """A version that is gone cannot be gone back to."""
    if change.action in {Action.DELETE, Action.REPLACE}:
        yield note(
            "version-gone",
            "The old version is deleted: one goes back to it by deploying again.",
            VERSIONS,
        )


@tells("AWS::Scheduler::Schedule", "AWS::Events::Rule")
def schedule(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Something runs at other times, or not any more."""
    if change.action is Action.DELETE:
        yield caution("schedule-gone", "What it started is not started any more.")
    elif change.changed("State") and change.either.get("State") == "DISABLED":
        yield caution("schedule-off", "It is turned off: what it starts is not started any more.")
    elif times := change.changed("ScheduleExpression"):
        yield note("schedule", f"It runs at {times[0].after}, so far at {times[0].before}.")
