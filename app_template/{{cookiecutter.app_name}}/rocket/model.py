"""The user's serve.py and the model that it loads, once."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rocket.settings import APP, Layout


class Model:
    """What serve.py defines, and the model that its `get_model` returned.

    Attributes:
        trouble: Why no prediction can be made, or None once the model is loaded.
        predict_batch: serve.py's own `predict_batch`, with the model filled in, or None.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.trouble: str | None = "the model is not loaded yet"
        self.predict_batch: Callable[[list[Any]], Any] | None = None
        self._serve: Any = None
        self._model: Any = None

    @property
    def per_worker(self) -> bool:
        """Whether each worker must load the model itself: `get_model.per_worker = True`.

        By default the model is loaded once and shared by the workers, which are forks; what a
        fork cannot inherit (a GPU's context, threads, open connections) has to be made in each.
        """
        return bool(getattr(self._serve.get_model, "per_worker", False))

    def import_code(self) -> None:
        """Imports serve.py and checks that the two functions are there.

        Raises:
            TypeError: A function is missing. What serve.py itself raises passes through.
        """
        self.trouble = "serve.py is being imported"
        with self._blame("serve.py"):
            if str(APP) not in sys.path:
                sys.path.insert(0, str(APP))
            self._serve = importlib.import_module("serve")
            for signature in ("get_model(model_path)", "predict(input_data, model)"):
                if not callable(getattr(self._serve, signature.partition("(")[0], None)):
                    raise TypeError(f"serve.py must define {signature}")

    def load(self) -> None:
        """Calls `get_model`; what it raises passes through, and stays in `trouble`."""
        self.trouble = "the model is being loaded"
        with self._blame("get_model"):
            self._model = self._serve.get_model(str(self.layout.model))
        batch = getattr(self._serve, "predict_batch", None)
        if batch is not None:
            self.predict_batch = lambda inputs: batch(inputs, self._model)
        self.trouble = None

    @contextmanager
    def _blame(self, what: str) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.trouble = f"{what} raised {type(error).__name__}: {error}"
            raise

    def predict(self, data: Any) -> Any:
        """Calls the user's `predict` with the model."""
        return self._serve.predict(data, self._model)
