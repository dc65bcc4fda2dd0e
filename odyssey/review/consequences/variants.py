"""What a change of an endpoint's variants does: other instances, serverless, data capture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.review.consequences.catalogue import SAGEMAKER, caution, danger, note, tells
from odyssey.review.consequences.endpoints import ENDPOINT, EXCLUSIONS, UPDATE, moves
from odyssey.review.consequences.fleets import Fleet, fleets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource
    from odyssey.review.comparison import Compared, Comparison
    from odyssey.review.report import Consequence

SERVERLESS = f"{SAGEMAKER}/serverless-endpoints.html"
CAPTURE = f"{SAGEMAKER}/model-monitor-data-capture.html"
COUNT, WEIGHT, CAPTURED = "DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig"


@tells(ENDPOINT)
def serverless(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """From instances to serverless there is no way, and back there is."""
    if not moves(change):
        return
    before, after = fleets(change)
    if before.instances and after.serverless:
        yield danger(
            "to-serverless",
            "This update will fail: an endpoint that runs on instances cannot become serverless. "
            "Make another endpoint with another name, move the callers, then delete this one.",
            SERVERLESS,
        )
    elif before.serverless and after.instances:
        yield caution(
            "from-serverless",
            "A serverless endpoint becomes one on instances, which are paid by the hour; it cannot "
            "go back.",
            SERVERLESS,
        )


@tells(ENDPOINT)
def names(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """A variant of another name is another variant."""
    if not moves(change):
        return
    before, after = fleets(change)
    gone, come = sorted(before.names - after.names), sorted(after.names - before.names)
    if gone and come:
        yield caution(
            "variant-renamed",
            f"Variant {', '.join(gone)} becomes {', '.join(come)}: a rollout needs the same "
            "names on both sides, alarms and dashboards that name the old one see nothing any "
            "more, and its scaling is replaced.",
            EXCLUSIONS,
        )
    elif gone:
        yield caution(
            "variant-removed",
            f"Variant {', '.join(gone)} goes, and its part of the traffic goes to the others.",
            UPDATE,
        )


@tells(ENDPOINT)
def instances(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Other instances, or another number of them."""
    if not moves(change):
        return
    before, after = fleets(change)
    for name in after.variants:
        old, new = before.variants.get(name, {}), after.variants[name]
        for member in ("InstanceType", "InitialInstanceCount"):
            pair = (old.get(member), new.get(member))
            if all(isinstance(each, str | int) for each in pair) and pair[0] != pair[1]:
                word = "instances" if member == "InitialInstanceCount" else ""
                yield note(
                    "instances",
                    f"Variant {name}: {pair[0]} becomes {pair[1]}{word and ' ' + word}.",
                    UPDATE,
                )


@tells(ENDPOINT)
def retained(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """With retention on, some of what the new configuration says counts for nothing."""
    if not moves(change) or change.after is None or not _retains(change.after):
        return
    before, after = fleets(change)
    excluded = _excluded(change.after)
    told = {COUNT: "InitialInstanceCount", WEIGHT: "InitialVariantWeight"}
    for kind, member in told.items():
        if kind in excluded:
            continue
        for name, old, new in _both(before, after, member):
            yield caution(
                "ignored",
                f"Variant {name}: {member} {old} to {new} changes nothing, since "
                f"RetainAllVariantProperties keeps what the endpoint has. Scale it, or exclude "
                f"{kind} for one deployment.",
                UPDATE,
            )
    if CAPTURED not in excluded and _capture(before) != _capture(after):
        yield caution(
            "ignored",
            "The new DataCaptureConfig changes nothing, since RetainAllVariantProperties keeps the "
            "one the endpoint has. Exclude DataCaptureConfig.",
            UPDATE,
        )


def _both(before: Fleet, after: Fleet, member: str) -> Iterator[tuple[str, Any, Any]]:
    for name in after.variants:
        old = before.variants.get(name, {}).get(member)
        new = after.variants[name].get(member)
        if old is not None and new is not None and old != new:
            yield name, old, new


def _retains(endpoint: Resource) -> bool:
    return endpoint.get("RetainAllVariantProperties") in (True, "true")


def _excluded(endpoint: Resource) -> set[str]:
    found = endpoint.get("ExcludeRetainedVariantProperties")
    return {
        str(each.get("VariantPropertyType"))
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, dict)
    }


def _capture(fleet: Fleet) -> Any:
    return fleet.config.raw("DataCaptureConfig") if fleet.config else None


@tells(ENDPOINT)
def capture(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Requests and answers are kept, or are not any more."""
    if not moves(change):
        return
    before, after = fleets(change)
    was, is_ = _captures(before), _captures(after)
    if is_ and not was:
        found = after.config.get("DataCaptureConfig") if after.config else {}
        told = found if isinstance(found, dict) else {}
        percent, where = told.get("InitialSamplingPercentage"), told.get("DestinationS3Uri")
        share = f"{percent} percent" if isinstance(percent, int) else "A part"
        place = f" at {where}" if isinstance(where, str) else " in S3"
        yield caution(
            "capture-on",
            f"Data capture is turned on: {share} of what callers send and get is kept{place}. "
            "Make sure that it may be, and that somebody deletes it.",
            CAPTURE,
        )
    elif was and not is_ and after.known:
        yield caution(
            "capture-off",
            "Data capture is turned off: what monitors the captured data sees no new data.",
            CAPTURE,
        )


def _captures(fleet: Fleet) -> bool:
    found = _capture(fleet)
    return bool(found) and not (isinstance(found, dict) and found.get("EnableCapture") is False)
