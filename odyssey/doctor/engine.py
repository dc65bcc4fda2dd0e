"""The Docker engine: whether it answers, what it can build, and what was left in it."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey.doctor.result import PASS, SKIP, WARN, Repair, Result
from odyssey.errors import MissingToolError, OdysseyError
from odyssey.images import build, orphans
from odyssey.images import engine as engines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.doctor.result import Place

PATIENCE = 5
"""Seconds that the engine may take to answer."""

OLDEST = (20, 10)
"""The oldest engine that builds for another platform without an experimental switch.

Source: https://docs.docker.com/engine/release-notes/20.10/
"""

NEEDED = "only odyssey docker ... and the sandbox's containers need it"

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_EMULATORS = {"arm64": "qemu-aarch64", "amd64": "qemu-x86_64"}
_BINFMT = Path("/proc/sys/fs/binfmt_misc")


def docker_engine(place: Place) -> list[Result]:
    """Look at the engine, the platform of the app's image, and what killed runs have left."""
    try:
        engine = engines.find(PATIENCE)
    except MissingToolError as error:
        reason = f"{error.message}; {NEEDED}"
        return [Result("Docker", WARN, reason, error.hint)]
    with closing(engine):
        try:
            with engines.explained("the engine does not tell about itself"):
                version, info = engine.version(), engine.info()
                left = orphans.left(engine)
        except OdysseyError as error:
            return [Result("Docker", WARN, error.message, error.hint)]
    return [_engine(version, info), _platform(place, info), _orphans(left)]


def root(place: Place) -> Path | None:
    """Return the folder in which an engine of this machine keeps its images, or None."""
    try:
        with closing(engines.find(PATIENCE)) as engine:
            engines.require_near(engine)
            found = Path(str(engine.info().get("DockerRootDir", "")))
    except (OdysseyError, OSError):
        return None
    try:
        return found if found.is_dir() else None
    except OSError:
        return None


def _engine(version: Mapping[str, Any], info: Mapping[str, Any]) -> Result:
    number = str(version.get("Version", ""))
    machine = f"{version.get('Os', 'linux')}/{_machine(info)}"
    parts = [f"{number} on {machine}", str(info.get("OperatingSystem", ""))]
    if _has_containerd_store(info):
        parts.append("images in containerd's store, which odyssey docker push allows for")
    reason = ", ".join(part for part in parts if part)
    numbers = tuple(int(part) for part in number.split(".")[:2] if part.isdigit())
    if len(numbers) == 2 and numbers < OLDEST:
        least = ".".join(map(str, OLDEST))
        return Result("Docker", WARN, f"{reason}; older than {least}", "update the Docker engine")
    return Result("Docker", PASS, reason)


def _platform(place: Place, info: Mapping[str, Any]) -> Result:
    """Look at whether the engine can build and run what the app's image is for."""
    name = "image platform"
    if place.settings is None:
        return Result(name, SKIP, "there is no app here")
    try:
        wanted = build.platform(place.settings)
    except OdysseyError as error:
        return Result(name, WARN, error.message, error.hint)
    machine = wanted.rpartition("/")[2]
    if machine == _machine(info):
        return Result(name, PASS, f"{wanted}, as the engine's own")
    reason = f"{wanted} on an engine of {_machine(info)}"
    if _emulates(machine, info):
        return Result(name, PASS, f"{reason}, emulated: it works, several times slower")
    return Result(
        name,
        WARN,
        f"{reason}, which cannot emulate it: programs of the image end in exec format error",
        f"docker run --privileged --rm tonistiigi/binfmt --install {machine}",
    )


def _emulates(machine: str, info: Mapping[str, Any]) -> bool:
    if "Docker Desktop" in str(info.get("OperatingSystem", "")) or sys.platform != "linux":
        return True  # It brings emulators along; of an engine elsewhere nothing is known.
    return (_BINFMT / _EMULATORS.get(machine, "none")).exists()


def _orphans(left: list[str]) -> Result:
    if not left:
        return Result("left behind", PASS, "nothing of a killed odyssey is in the engine")

    def sweep() -> str:
        with engines.connect() as engine:
            orphans.sweep(engine)
            still = orphans.left(engine)
        gone = len(left) - len(still)
        return f"removed {gone} of {len(left)} from the engine"

    shown = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
    return Result(
        "left behind",
        WARN,
        f"by an odyssey that was killed: {shown}",
        "odyssey doctor --fix, or the next odyssey docker run",
        repair=Repair("remove the containers, volumes and networks of killed odysseys", sweep),
    )


def _machine(info: Mapping[str, Any]) -> str:
    told = str(info.get("Architecture", ""))
    return _MACHINES.get(told, told)


def _has_containerd_store(info: Mapping[str, Any]) -> bool:
    return any("io.containerd.snapshotter" in str(part) for part in info.get("DriverStatus") or ())
