"""What a change does to the autoscaling of an endpoint, and autoscaling to a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.review.consequences.catalogue import SAGEMAKER, caution, danger, note, tells
from odyssey.review.consequences.endpoints import ENDPOINT, UPDATE, moves
from odyssey.review.consequences.fleets import fleets
from odyssey.review.report import Action
from odyssey.review.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource
    from odyssey.review.comparison import Compared, Comparison
    from odyssey.review.report import Consequence

TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
SCALING = f"{SAGEMAKER}/endpoint-auto-scaling.html"
REFUSED = f"{SAGEMAKER}/endpoint-scaling-update.html"


def scaled(endpoint: Resource | None) -> set[str]:
    """Return the names of an endpoint's variants that scale."""
    found = set()
    for target in endpoint.template.of(TARGET) if endpoint else ():
        place = shown(target.raw("ResourceId"))
        named = endpoint.get("EndpointName") if endpoint else None
        refers = target.target("ResourceId") == endpoint
        if refers or (isinstance(named, str) and place.startswith(f"endpoint/{named}/")):
            found.add(place.rpartition("/variant/")[2])
    return found


@tells(ENDPOINT)
def instance_type(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """SageMaker changes no instance type while a variant scales."""
    if not moves(change):
        return
    before, after = fleets(change)
    for name in sorted(scaled(change.before)):
        pair = [side.variants.get(name, {}).get("InstanceType") for side in (before, after)]
        if all(isinstance(each, str) for each in pair) and pair[0] != pair[1]:
            yield danger(
                "scaled-instance-type",
                f"This update will fail: variant {name} scales, and SageMaker does not change the "
                f"instance type ({pair[0]} to {pair[1]}) of a variant with a scaling target. Take "
                "two deployments: without the scaling first, then with the new type and the "
                "scaling again.",
                REFUSED,
            )


@tells(ENDPOINT)
def count(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """An update sets the number of instances back, unless it is told not to."""
    if not moves(change) or change.after is None:
        return
    retains = change.after.get("RetainAllVariantProperties") in (True, "true")
    after = fleets(change)[1]
    names = sorted(scaled(change.before) & after.names)
    if retains or not names:
        return
    told = " and ".join(
        f"{name} to {after.variants[name].get('InitialInstanceCount', 'its first count')}"
        for name in names
    )
    yield caution(
        "count-reset",
        f"The autoscaled count is reset ({told}) by this update, whatever the load is: "
        "RetainAllVariantProperties is not true.",
        UPDATE,
    )


@tells(TARGET)
def target(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Scaling begins, ends, or gets other bounds."""
    low, high = (change.either.get(name) for name in ("MinCapacity", "MaxCapacity"))
    if change.action is Action.CREATE:
        yield note("scaling-on", f"It scales between {low} and {high} from now on.", SCALING)
    elif change.action is Action.DELETE:
        yield caution(
            "scaling-off",
            "It does not scale any more: the number of instances stays what it is at that moment.",
            SCALING,
        )
    elif change.action is Action.REPLACE:
        yield caution(
            "scaling-replaced",
            "The scaling is registered anew, for what has another name now; in between nothing "
            "scales.",
            SCALING,
        )
    elif change.changed("MinCapacity", "MaxCapacity") and change.before is not None:
        old = tuple(change.before.get(name) for name in ("MinCapacity", "MaxCapacity"))
        yield note(
            "scaling-bounds",
            f"It scales between {low} and {high}, so far between {old[0]} and {old[1]}.",
            SCALING,
        )
