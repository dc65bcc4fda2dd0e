"""Who asks, as STS tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT, Call, operation

if TYPE_CHECKING:
    from odyssey.sandbox.sandbox import Sandbox


class Callers:
    """The operation by which one learns whose one's keys are.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """Nobody has asked yet."""
        self._account = sandbox.guard.account

    @operation("sts", "GetCallerIdentity")
    def tell(self, call: Call) -> dict[str, Any]:
        """Return who asks."""
        return {
            "UserId": self._account.unique_id(call.principal),
            "Account": ACCOUNT,
            "Arn": call.principal.arn,
        }
