"""IAM: what each principal may do, and what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.calls import Call
    from odyssey.sandbox.identities import Principal


class Guard:
    """Looks at each request before it is answered.

    Args:
        enforce: Whether what no policy allows is refused.
    """

    def __init__(self, *, enforce: bool = False) -> None:
        """Nothing was asked for yet."""
        self.enforce = enforce

    @property
    def watches(self) -> bool:
        """Whether requests to moto's services matter too."""
        return self.enforce

    def check(self, call: Call) -> None:
        """Return if a request is allowed.

        Raises:
            ServiceError: It is not.
        """

    def require(
        self,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, str] | None = None,
    ) -> None:
        """Return if a principal may do something that is no request of its own.

        Args:
            principal: Who does it.
            action: What, such as ``ecr:BatchGetImage``.
            resource: The ARN of what it is done to, or ``*``.
            context: What else a policy's conditions may ask for.

        Raises:
            ServiceError: It may not.
        """
