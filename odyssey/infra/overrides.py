"""The app's own ``overrides.py``: a last word on the stacks, in Python.

::

    # overrides.py
    def override(stacks):
        if stacks.env == "prod":
            stacks.foundation.bucket.node.default_child.add_property_override("...", "...")

It is called once for each environment with `odyssey.infra.app.Stacks`.
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from odyssey.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE = "overrides.py"
FUNCTION = "override"


def load(folder: Path) -> Callable[[Any], None]:
    """Return the function ``override`` of an app, or one that does nothing.

    Raises:
        ConfigError: ``overrides.py`` fails, or has no such function.
    """
    path = folder / FILE
    if not path.is_file():
        return lambda stacks: None
    # What it imports from beside it is found, as when Python runs a script.
    sys.path.insert(0, str(folder))
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigError([f"{path}: Python cannot load it"])
    module = module_from_spec(spec)
    sys.modules[path.stem] = module
    _guarded(path, spec.loader.exec_module)(module)
    function: Callable[[Any], None] | None = getattr(module, FUNCTION, None)
    if not callable(function):
        raise ConfigError([f"{FILE}: has no function {FUNCTION}(stacks)"])
    return _guarded(path, function)


def _guarded(path: Path, function: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a function that says in which line of the app's file the given one failed."""

    def call(argument: Any) -> None:
        try:
            function(argument)
        except Exception as error:
            frames = walk_tb(error.__traceback__)
            lines = [line for frame, line in frames if frame.f_code.co_filename == str(path)]
            place = f"{FILE}, line {lines[-1]}" if lines else FILE
            raise ConfigError([f"{place}: {type(error).__name__}: {error}"]) from error

    return call
