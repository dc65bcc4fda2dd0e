"""What the tour runs its jobs with: containers where they can be had, else processes."""

from __future__ import annotations

import os
import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odyssey.console import clean
from odyssey.errors import MissingToolError, OdysseyError

if TYPE_CHECKING:
    import docker

PATIENCE = 20
"""Seconds that the engine may take to ask a registry for the base image."""

BASE = "ODYSSEY_DOCKER_BASE"
"""The variable that names another base image than the Dockerfile's."""


@dataclass(frozen=True)
class Choice:
    """What runs the jobs, and why.

    Args:
        name: ``docker`` or ``process``.
        reason: Why, in words.
    """

    name: str
    reason: str


def choose(wanted: str) -> Choice:
    """Return what runs the jobs.

    Args:
        wanted: ``docker``, ``process``, or ``auto``: Docker where an engine answers and the base
            of the image can be had.

    Raises:
        OdysseyError: Docker is asked for, and there is no engine, or no base image.
    """
    if wanted == "process":
        return Choice("process", "as --executor process says")
    try:
        base = _find_base()
    except OdysseyError as error:
        if wanted == "docker":
            raise
        return Choice("process", error.message)
    return Choice("docker", f"a Docker engine answers, and has or finds {base}")


def _find_base() -> str:
    """Return the name of the base image, which the engine has or can fetch.

    Raises:
        OdysseyError: It can do neither, or there is no engine on this machine.
    """
    from odyssey.images import engine as engines

    base = os.environ.get(BASE) or _of_the_template()
    with closing(engines.find(PATIENCE)) as engine:
        engines.require_near(engine)
        refusal = _refusal(engine, base)
    if refusal:
        raise MissingToolError(
            f"the base image {_short(base)} cannot be had: {refusal}",
            f"name one that the engine has, with {BASE}=IMAGE, or --executor process",
        )
    return _short(base)


def _refusal(engine: docker.DockerClient, base: str) -> str:
    """Return why the engine cannot build on an image; "" where it can."""
    import requests
    from docker import errors

    try:
        engine.images.get(base)
    except errors.ImageNotFound:
        try:
            engine.images.get_registry_data(base)
        except (errors.DockerException, requests.RequestException) as error:
            told = getattr(error, "explanation", None) or error
            return clean(str(told)).strip()
    return ""


def _of_the_template() -> str:
    from odyssey.scaffold import default_template

    dockerfile = default_template() / "{{cookiecutter.app_name}}" / "Dockerfile"
    found = re.search(r"(?m)^ARG BASE=(\S+)", dockerfile.read_text(encoding="utf-8"))
    if found is None:
        raise OdysseyError(f"{dockerfile} names no base image")
    return found[1]


def _short(image: str) -> str:
    return image.partition("@")[0]
