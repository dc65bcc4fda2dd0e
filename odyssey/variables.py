"""The variables of the app's container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.keys import KEYS

if TYPE_CHECKING:
    from odyssey.config import Config


def container_environment(settings: Config) -> dict[str, str]:
    """Return the variables of a container that serves: the server's settings, the user's own."""
    return {**server_environment(settings), **settings.endpoint.environment}


def server_environment(settings: Config) -> dict[str, str]:
    """Return the variables of what answers requests: the server's settings, but defaults."""
    return {
        key.variable: str(settings.values[path].value)
        for path, key in KEYS.items()
        if key.variable and settings.origin(path) != "default"
    }
