"""What options say of settings, for as long as a command runs: odyssey.toml does not know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey import config
from odyssey.cloudformation import target as targets
from odyssey.console import warn
from odyssey.keys import toml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.config import Config


def also(settings: Config, more: Mapping[str, object]) -> Config:
    """Return settings with further values, as if these had been options, too.

    Args:
        settings: The app's settings.
        more: Values by their paths.
    """
    flags = {**_flags(settings), **more}
    return config.load(settings.folder, env=settings.env, flags=flags)


def tell_what_is_lost(settings: Config) -> None:
    """Say which options a later ``odyssey deploy`` would not know of."""
    later = config.load(settings.folder, env=settings.env)
    lost = {
        path: value
        for path, value in _flags(settings).items()
        if later.values[path].value != value and not path.startswith(("training.", "transform."))
    }
    if lost:
        lines = [f"{path} = {toml(value)}" for path, value in lost.items()]
        warn(
            f"a later `{targets.command('deploy', env=settings.env)}` goes back to what "
            f"{config.FILE} says; to keep what is deployed now, write there: {', '.join(lines)}"
        )


def _flags(settings: Config) -> dict[str, object]:
    """Return what was given by options, by path."""
    return {
        path: value.value for path, value in settings.values.items() if value.origin.startswith("-")
    }
