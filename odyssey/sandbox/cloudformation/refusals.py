"""The operations of CloudFormation that the sandbox does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from botocore.session import Session

from odyssey.sandbox.calls import operation
from odyssey.sandbox.cloudformation.change_sets import ChangeSets
from odyssey.sandbox.cloudformation.errors import invalid
from odyssey.sandbox.cloudformation.listings import Listings
from odyssey.sandbox.cloudformation.stacks import Stacks

if TYPE_CHECKING:
    from odyssey.sandbox.calls import Call


def _others() -> list[str]:
    known = {
        name
        for each in (ChangeSets, Listings, Stacks)
        for method in vars(each).values()
        for _, name in getattr(method, "answers", ())
    }
    names: list[str] = Session().get_service_model("cloudformation").operation_names
    return [name for name in names if name not in known]


class Refusals:
    """Refuses: without it they would go to moto, which knows none of the stacks."""

    @operation("cloudformation", *_others())
    def refuse(self, call: Call) -> NoReturn:
        """Refuse."""
        raise invalid(f"odyssey's sandbox does not know {call.operation} of CloudFormation")
