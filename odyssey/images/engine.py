"""The Docker engine: where it is, and what its errors mean."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from odyssey.console import clean
from odyssey.errors import ImageError, MissingToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

TIMEOUT = 600
"""Seconds that the engine may be silent: a step of a build, or a slow disk."""

AT_ONCE = 64
"""Requests of one kind at once whose connections are kept."""

START = (
    "start it: Docker Desktop, colima start, sudo systemctl start docker, or sudo dockerd; "
    "it is looked for at $DOCKER_HOST, else where `docker context` points"
)

NO_STORE = "install that program, or take credsStore and credHelpers out of ~/.docker/config.json"


@contextmanager
def connect() -> Iterator[docker.DockerClient]:
    """Connect to the engine for the length of a ``with`` block.

    It is found as the ``docker`` program finds it: ``DOCKER_HOST``, else the context of
    ``DOCKER_CONTEXT`` or the chosen one, else the local socket.

    Raises:
        MissingToolError: None answers.
    """
    with closing(find()) as client:
        yield client


def find(timeout: float = TIMEOUT) -> docker.DockerClient:
    """Connect to the engine, as `connect` does; whoever asks closes the connection.

    Args:
        timeout: Seconds that the engine may be silent.

    Raises:
        MissingToolError: None answers.
    """
    import docker

    with _no_engine():
        client = docker.DockerClient(timeout=timeout, max_pool_size=AT_ONCE, **_address())
        try:
            client.ping()
        except BaseException:
            client.close()
            raise
    return client


def require_near(engine: docker.DockerClient) -> None:
    """Check that the engine's ports are those of this machine.

    Raises:
        ImageError: The engine is on another machine, whose loopback nobody reaches from here.
    """
    address = urlsplit(engine.api.base_url)
    if address.scheme == "http+docker" and address.hostname != "ssh":
        return
    if address.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ImageError(
            f"the Docker engine is on another machine ({clean(engine.api.base_url)}), and a "
            "container that serves is reached on 127.0.0.1 only",
            "serve and test with an engine on this machine: unset DOCKER_HOST, or docker context "
            "use default",
        )


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what docker-py raises within a ``with`` block into an `ImageError`.

    Args:
        what: What could not be done, such as ``the image could not be built``.
    """
    import requests
    from docker import credentials, errors

    try:
        yield
    except errors.APIError as error:
        # The engine's own words; docker-py's put a URL and a status before them.
        told = error.explanation or str(error)
        text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        raise ImageError(f"{what}: {clean(text).strip()}", _advice(text)) from error
    except (errors.DockerException, requests.RequestException) as error:
        raise ImageError(f"{what}: {clean(str(error))}", _advice(str(error))) from error
    except credentials.StoreError as error:
        raise ImageError(
            f"{what}: the passwords of registries cannot be read: {clean(str(error))}", NO_STORE
        ) from error


@contextmanager
def _no_engine() -> Iterator[None]:
    import requests
    from docker import errors

    try:
        yield
    except (errors.DockerException, requests.RequestException, ValueError) as error:
        if "ermission denied" in str(error):
            raise MissingToolError(
                "this user may not speak to the Docker engine",
                'join its group: sudo usermod -aG docker "$USER", then log in again',
            ) from error
        raise MissingToolError(f"no Docker engine answers: {_reason(error)}", START) from error


def _reason(error: BaseException) -> str:
    """Return what the system said, which docker-py and requests wrap in words of their own."""
    first = error
    while (before := first.__cause__ or first.__context__) is not None:
        first = before
    told = getattr(first, "strerror", None) or str(error).rpartition(": ")[2] or str(error)
    return clean(told).strip("'()\" ")


def _address() -> dict[str, Any]:
    """Return how to reach the engine, as docker-py takes it."""
    from docker import ContextAPI
    from docker.utils import kwargs_from_env

    if os.environ.get("DOCKER_HOST"):
        return dict(kwargs_from_env())
    chosen = os.environ.get("DOCKER_CONTEXT")
    context = ContextAPI.get_context(chosen or None)
    if context is None:
        named = f'"{clean(chosen)}" of DOCKER_CONTEXT' if chosen else "that is chosen"
        raise MissingToolError(
            f"the Docker context {named} is not there",
            "docker context ls shows those that are; to choose one: docker context use default",
        )
    if not context.Host or context.name == "default":
        return {}
    return {"base_url": context.Host, "tls": context.TLSConfig}


def _advice(text: str) -> str | None:
    if "no space left on device" in text:
        return "make room: docker system prune"
    if "port is already allocated" in text or "address already in use" in text:
        return "another program has the port; give --port another number"
    if "no match for platform" in text or "exec format error" in text:
        return "the image is for another processor; build it again: odyssey docker build"
    return None
