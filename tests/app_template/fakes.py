"""A model that stands in for the user's serve.py, and settings that nobody has set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rocket.core import Core
from rocket.settings import Settings


class FakeModel:
    """What the core knows of a model.

    Args:
        predict: The user's function, without the model; by default it returns its input.
        predict_batch: The user's function for many records, or None.
        trouble: Why no prediction can be made, or None.
    """

    def __init__(
        self,
        predict: Callable[[Any], Any] = lambda data: data,
        predict_batch: Callable[[list[Any]], Any] | None = None,
        trouble: str | None = None,
    ) -> None:
        self.predict = predict
        self.predict_batch = predict_batch
        self.trouble = trouble


def make_core(*arguments: Any, environ: dict[str, str] | None = None, **named: Any) -> Core:
    """A core around a `FakeModel`, with the settings of an environment."""
    return Core(FakeModel(*arguments, **named), Settings.from_environment(environ or {}))
