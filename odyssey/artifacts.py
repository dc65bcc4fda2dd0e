"""``.odyssey/artifacts.json``: what commands made, as defaults for those that come later.

::

    {"version": 1, "artifacts": {"image": "...", "model": "..."}, "env": {"prod": {"image": "..."}},
     "passed": {"lambda": ["sha256:..."]}, "pushed": {"sha256:...": "sha256:..."}}

In a sandbox (the variable ``ODYSSEY_SANDBOX``) ``artifacts`` and ``env`` are those of a table
``sandbox`` beside them, by the sandbox's folder: what exists there does not exist in AWS, nor in
the next sandbox.

``passed`` are the ids of images that have passed the container contract test, by the service whose
contract it is, ``pushed`` the ids by the digests that a registry knows the images by.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from odyssey.errors import ConfigError, OdysseyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

FILE = ".odyssey/artifacts.json"
SANDBOX = "ODYSSEY_SANDBOX"
"""The variable that says that this AWS is a sandbox: its folder."""

NO_IMAGE = f"sha256:{'0' * 64}"
"""The digest of the image of a sandbox whose jobs run as processes: there is none to look at."""

LOCK = "artifacts.lock"
VERSION = 1

REMEMBERED = 50
"""Images whose pass, or whose push, is remembered."""

SANDBOXES = 10
"""Sandboxes whose records are remembered."""


def load(app: Path, env: str | None) -> dict[str, str]:
    """Return what was recorded for an app, by the names of the section ``[artifacts]``.

    Besides those it may hold ``training_job``, the last job that was started.

    Args:
        app: The app's folder.
        env: An environment, whose own records come before those of the app.

    Raises:
        ConfigError: The file is not what odyssey writes.
    """
    document = _read(app)
    try:
        sandbox = os.environ.get(SANDBOX)
        home = document.get("sandbox", {}).get(sandbox, {}) if sandbox else document
        return {**home.get("artifacts", {}), **home.get("env", {}).get(env, {})}
    except (TypeError, AttributeError) as error:
        raise _broken(error) from error


def record(app: Path, env: str | None, artifacts: Mapping[str, str]) -> None:
    """Note what a command made; what was recorded under other names stays.

    Args:
        app: The app's folder.
        env: The environment that it is for, or None.
        artifacts: The records by name, such as ``{"image": "..."}``.

    Raises:
        ConfigError: The file is not what odyssey writes.
        OdysseyError: It cannot be written.
    """

    def put(document: dict[str, Any]) -> None:
        home = document
        if sandbox := os.environ.get(SANDBOX):
            others = document.get("sandbox", {})
            home = others.pop(sandbox, {})
            document["sandbox"] = dict([*others.items(), (sandbox, home)][-SANDBOXES:])
        home = home.setdefault("env", {}) if env else home
        home.setdefault(env or "artifacts", {}).update(artifacts)

    _change(app, put)


def record_tested(app: Path, image: str, service: str) -> None:
    """Note that an image has passed the container contract test of a service.

    Args:
        app: The app's folder.
        image: Its id.
        service: ``sagemaker`` or ``lambda``.
    """

    def put(document: dict[str, Any]) -> None:
        passed = document.setdefault("passed", {})
        others = [known for known in passed.get(service, []) if known != image]
        passed[service] = [*others, image][-REMEMBERED:]

    _change(app, put)


def record_pushed(app: Path, digest: str, image: str) -> None:
    """Note which image a digest is.

    Args:
        app: The app's folder.
        digest: The digest that a registry knows it by.
        image: Its id.
    """

    def put(document: dict[str, Any]) -> None:
        others = {d: i for d, i in document.get("pushed", {}).items() if d != digest}
        document["pushed"] = dict([*others.items(), (digest, image)][-REMEMBERED:])

    _change(app, put)


def is_tested(app: Path, image: str, services: Iterable[str]) -> bool:
    """Return whether an image has passed the container contract test of each of some services.

    Args:
        app: The app's folder.
        image: Its id or its digest.
        services: As for `record_tested`.
    """
    document = _read(app)
    found = document.get("pushed", {}).get(image, image)
    passed = document.get("passed", {})
    return all(found in passed.get(service, []) for service in services)


def stands_in(image: str) -> bool:
    """Return whether an image is only a name: jobs run as processes in a sandbox.

    Args:
        image: Its name, with its digest.
    """
    return SANDBOX in os.environ and image.endswith(f"@{NO_IMAGE}")


def _read(app: Path) -> dict[str, Any]:
    import json

    try:
        document: dict[str, Any] = json.loads((app / FILE).read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            version = document["version"]
            raise ConfigError([f"{FILE}: version {version}: this odyssey reads {VERSION}"])
        return document
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError([f"{FILE}: cannot be read: {error.strerror}"]) from error
    except (ValueError, TypeError, KeyError) as error:
        raise _broken(error) from error


def _broken(error: Exception) -> ConfigError:
    return ConfigError([f"{FILE}: not what odyssey wrote: {error!r}"], f"rm {FILE}")


def _change(app: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the file alone, and whole: two pushes at once lose nothing of each other."""
    import fcntl
    import json

    from odyssey import state

    home = state.folder(app)
    try:
        with (home / LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            document = _read(app) or {"version": VERSION}
            change(document)
            beside = app / f"{FILE}.new"
            try:
                beside.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
                beside.replace(app / FILE)
            finally:
                beside.unlink(missing_ok=True)
    except OSError as error:
        raise OdysseyError(f"{app / FILE} cannot be written: {error.strerror}") from error
