"""``.odyssey/artifacts.json``: what commands made, as defaults for those that come later.

::

    {"version": 1, "artifacts": {"image": "...", "model": "..."}, "env": {"prod": {"image": "..."}}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

FILE = ".odyssey/artifacts.json"
VERSION = 1


def load(app: Path, env: str | None) -> dict[str, str]:
    """Return what was recorded for an app, by the names of the section ``[artifacts]``.

    Args:
        app: The app's folder.
        env: An environment, whose own records come before those of the app.

    Raises:
        ConfigError: The file is not what odyssey writes.
    """
    import json

    try:
        document = json.loads((app / FILE).read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            version = document["version"]
            raise ConfigError([f"{FILE}: version {version}: this odyssey reads {VERSION}"])
        return {**document.get("artifacts", {}), **document.get("env", {}).get(env, {})}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError([f"{FILE}: cannot be read: {error.strerror}"]) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError([f"{FILE}: not what odyssey wrote: {error!r}"], f"rm {FILE}") from error
