"""CloudFormation, whose stacks are really made: in place of moto's engine.

::

    stacks, change_sets, listings     the operations
        │
    sources ── template ── parameters ── evaluation (intrinsics)     what is wanted
        │
    plan (replacement)                what would change: for change sets
    deployment ── rollback, deletion  what is done, resource by resource, in a thread
        │                             (graph: in which order)
    resources/                        a handler per type, over clients of the sandbox itself

A stack's record keeps the resolved properties of each resource: what has changed is found by
comparing them with those of the new template, so that a model with a new name makes a new
configuration, and that one an update of the endpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odyssey.sandbox.sandbox import Sandbox


def services(sandbox: Sandbox) -> list[Any]:
    """Return what answers the operations of CloudFormation.

    Args:
        sandbox: The sandbox.
    """
    from odyssey.sandbox.cloudformation.change_sets import ChangeSets
    from odyssey.sandbox.cloudformation.engine import Engine
    from odyssey.sandbox.cloudformation.listings import Listings
    from odyssey.sandbox.cloudformation.refusals import Refusals
    from odyssey.sandbox.cloudformation.stacks import Stacks

    engine = Engine(sandbox)
    stacks = Stacks(engine)
    change_sets = ChangeSets(engine, stacks, sandbox.store)
    listings = Listings(engine, change_sets, sandbox.server.port)
    return [stacks, change_sets, listings, Refusals()]
