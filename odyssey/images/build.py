"""Building the app's image."""

from __future__ import annotations

import re
import tempfile
import time
import warnings
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

from odyssey import instances
from odyssey.console import Progress, clean, elapsed, size
from odyssey.errors import ImageError, UsageError
from odyssey.images import image as images
from odyssey.images.engine import explained
from odyssey.images.stream import attended
from odyssey.interruption import as_ctrl_c

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import docker

    from odyssey.config import Config
    from odyssey.images.image import Image

ARM, X86 = "linux/arm64", "linux/amd64"

PASSWORD = re.compile(r"\w://[^/\s:@]*:(?!\$\{)[^/\s@]+@")
"""An address with a password that is written out, not named as a variable."""

LAST_LINES = 40
"""Lines of a build that are looked at for the cause of its failure."""

CAUSES = {
    "command 'gcc' failed": "a requirement has to be compiled: "
    'build_args = { BUILD_PACKAGES = "gcc libc6-dev" } under [docker] in odyssey.toml',
    "No matching distribution found": "look at requirements.txt: there is no such version for this "
    "Python and platform",
    "Temporary failure in name resolution": "the build has no network; look at the engine's DNS",
    "no space left on device": "make room: docker system prune",
    "exec format error": "the engine cannot run another processor's programs: "
    "docker run --privileged --rm tonistiigi/binfmt --install all",
}
"""What to do about what a failed build has printed."""


@dataclass(frozen=True)
class Built:
    """An image that was built.

    Args:
        image: The image.
        seconds: How long it took.
    """

    image: Image
    seconds: float

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "image": self.image.reference,
            "id": self.image.id,
            "platform": self.image.platform,
            "bytes": self.image.size,
            "seconds": round(self.seconds, 3),
        }

    def summary(self) -> str:
        """Return what it is for a reader."""
        image = self.image
        return (
            f"Built {image.reference} in {elapsed(self.seconds)}: "
            f"{image.short}, {image.platform}, {size(image.size)}"
        )


@as_ctrl_c()
def build(
    engine: docker.DockerClient, settings: Config, name: str, *, fresh: bool = False
) -> Built:
    """Build the app's image from its ``Dockerfile``; what the build prints goes to stderr.

    Args:
        engine: The Docker engine.
        settings: The app's settings, of which ``[docker]`` is for this.
        name: The image's name.
        fresh: Use nothing of earlier builds.

    Raises:
        ImageError: There is no Dockerfile, a step of it failed, a password would come into the
            image, or the base is for another platform.
    """
    app, started = settings.folder, time.monotonic()
    if not (app / "Dockerfile").is_file():
        raise ImageError(
            f"there is no Dockerfile in {app}",
            "take it from git, or from a new app: odyssey init -p aws -s sagemaker start",
        )
    _require_no_password(app)
    wanted = platform(settings)
    with explained("the image could not be built"), _readable(app), _context(app) as context:
        # docker-py asks for the engine's own builder: BuildKit would make an index of manifests
        # with attestations, which neither SageMaker nor Lambda takes.
        events = engine.api.build(
            fileobj=context,
            custom_context=True,
            tag=name,
            platform=wanted,
            buildargs=_arguments(settings),
            nocache=fresh,
            rm=True,
            forcerm=True,
            decode=True,
        )
        made = images.find(engine, _follow(events))
    if made.platform != wanted:
        raise ImageError(
            f"{name} was to be for {wanted}, and its base image is for {made.platform}",
            f"name a base for {wanted}: odyssey docker build --base IMAGE",
        )
    return Built(replace(made, reference=name), time.monotonic() - started)


def _require_no_password(app: Path) -> None:
    """Look at the addresses in the requirements, which are a file of the image."""
    try:
        lines = (app / "requirements.txt").read_text("utf-8", "replace").splitlines()
    except OSError:
        return  # Where the Dockerfile needs it, its step says so.
    for number, line in enumerate(lines, start=1):
        if PASSWORD.search(line):
            raise ImageError(
                f"requirements.txt: line {number} has a password in an address, which whoever can "
                "pull the image could read",
                "take it out, and give the address to the build alone: export "
                "ODYSSEY_DOCKER_BUILD_ARGS=PIP_INDEX_URL=https://USER:PASSWORD@HOST/simple",
            )


@contextmanager
def _context(app: Path) -> Iterator[IO[bytes]]:
    """Pack the app's folder for the engine, into a file that has no name.

    The one that docker-py would make stays where odyssey is killed, with all that is in the folder.
    """
    from docker import utils

    ignored: list[str] = []
    if (app / ".dockerignore").exists():
        lines = (app / ".dockerignore").read_text("utf-8", "surrogateescape").splitlines()
        ignored = [line.strip() for line in lines if line.strip() and line.strip()[0] != "#"]
    with tempfile.TemporaryFile() as context:
        utils.tar(str(app), exclude=ignored, fileobj=context)
        yield context


@contextmanager
def _readable(app: Path) -> Iterator[None]:
    """Turn what goes wrong while the app's folder is packed for the engine into an `ImageError`."""
    import requests

    try:
        with warnings.catch_warnings():
            # That a program for passwords is missing, which its error tells as well.
            warnings.filterwarnings("ignore", "docker-credential-", UserWarning)
            yield
    except OSError as error:
        if isinstance(error, requests.RequestException):
            raise
        reason = error.strerror or f"{error}: {error.__cause__}"
        raise ImageError(
            f"the image could not be built: {app} cannot be packed for the engine: {clean(reason)}",
            "what the image does not need can be named in .dockerignore",
        ) from error


def platform(settings: Config) -> str:
    """Return the platform that the app's image is for.

    Raises:
        UsageError: Two settings want different ones: a function runs on one alone.
    """
    wanted: dict[str, str] = {}
    if settings.docker.platform:
        wanted["docker.platform"] = settings.docker.platform
    if settings.app.on_lambda:
        wanted["function.architecture"] = ARM if settings.function.architecture == "arm64" else X86
    if settings.app.on_sagemaker and not settings.docker.platform:
        on_instances = settings.endpoint.kind != "serverless"
        graviton = on_instances and instances.is_graviton(settings.endpoint.instance_type)
        wanted["endpoint.instance_type"] = ARM if graviton else X86
    if len(set(wanted.values())) > 1:
        differing = " and ".join(f"{key} wants {value}" for key, value in wanted.items())
        raise UsageError(
            f"one image is for one platform, but {differing}",
            "change one of the two in odyssey.toml",
        )
    return next(iter(wanted.values()))


def _arguments(settings: Config) -> dict[str, str]:
    base = {"BASE": settings.docker.base} if settings.docker.base else {}
    return {**settings.docker.build_args, **base}


def _follow(events: Iterable[Mapping[str, Any]]) -> str:
    """Pass on what a build prints, and return the id of the image."""
    progress = Progress("Building the image")
    last: deque[str] = deque(maxlen=LAST_LINES)
    made = ""
    try:
        for event in attended(events, progress.tick):
            made = (event.get("aux") or {}).get("ID", made)
            if "error" in event:
                raise _failure(str(event["error"]), "".join(last))
            text = str(event.get("stream", ""))
            last.append(text)
            if text:
                progress.feed(text.encode())
            elif "status" in event and (progress.live or not event.get("progressDetail")):
                progress.step(_status(event))
    finally:
        progress.end()
    if not made:
        raise ImageError("the image could not be built: the engine ended without saying why")
    return made


def _status(event: Mapping[str, Any]) -> str:
    """Return what is being fetched: the base image, layer by layer."""
    return " ".join(str(event[key]) for key in ("id", "status", "progress") if event.get(key))


def _failure(error: str, last: str) -> ImageError:
    hints = (hint for sign, hint in CAUSES.items() if sign in last or sign in error)
    return ImageError(f"the image could not be built: {clean(error).strip()}", next(hints, None))
