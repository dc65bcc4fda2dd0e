"""IAM: what each principal may do, and what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odyssey.sandbox.calls import Call


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
