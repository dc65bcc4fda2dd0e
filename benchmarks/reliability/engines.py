"""What the Docker experiments stand on: the engine, and images that are taken away again."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from benchmarks.environments import UnavailableError
from benchmarks.reliability.scene import Scene, SetupError

PREFIX = "reliability-"


def require() -> None:
    """Return if there is a Docker engine.

    Raises:
        UnavailableError: There is none.
    """
    if shutil.which("docker") is None or not docker("info", "--format", "{{.ID}}", check=False):
        raise UnavailableError("no Docker engine answers")


def docker(*words: str, check: bool = True) -> str:
    """Return what a command of Docker's own prints.

    Raises:
        SetupError: It fails, and `check` is on.
    """
    done = subprocess.run(["docker", *words], capture_output=True, text=True)
    if done.returncode and check:
        raise SetupError(f"docker {' '.join(words)}: {done.stderr.strip()[-200:]}")
    return done.stdout.strip() if not done.returncode else ""


def app(scene: Scene, name: str) -> Path:
    """Return a trained app whose image has a name of the experiments' own, and goes with them."""
    require()
    whole = f"{PREFIX}{name}"
    scene.stack.callback(docker, "image", "rm", "--force", whole, check=False)
    place = scene.app(whole)
    if scene.workshop.base:
        with (place / "odyssey.toml").open("a", encoding="utf-8") as settings:
            settings.write(f'\n[docker]\nbase = "{scene.workshop.base}"\n')
    return place


def built(scene: Scene, name: str) -> Path:
    """Return the same, its image built.

    Raises:
        UnavailableError: It cannot be built here, most often for want of a registry.
    """
    place = app(scene, name)
    done = scene.run("docker", "build", cwd=place, timeout=600)
    if done.code:
        raise UnavailableError(f"the image cannot be built here: {done.said} (see --base)")
    return place


def containers(name: str) -> list[str]:
    """Return the ids of the containers of an app's image, those that have ended too."""
    return docker("ps", "--all", "--quiet", "--filter", f"ancestor={name}", check=False).split()
