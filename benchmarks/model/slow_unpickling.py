"""A model that takes 50 ms to unpickle, whatever is done with it afterwards.

It waits instead of computing: that is the kinder choice to a server that unpickles at each request,
since the waits of two workers do not compete for the cores.
"""

from __future__ import annotations

import time
from typing import Any

SECONDS = 0.05


class SlowToUnpickle:
    """Wraps a model for pickling; what comes out of the pickle is the bare model."""

    def __init__(self, model: Any) -> None:
        """Wrap ``model``."""
        self.model = model

    def __reduce__(self) -> tuple[Any, ...]:
        """Have the pickle call `restore` with the model."""
        return restore, (self.model,)


def restore(model: Any) -> Any:
    """Wait 50 ms and return ``model``."""
    time.sleep(SECONDS)
    return model
