"""Pushing an image to a registry, and reading back what arrived.

The engine does the work. The password goes with the request alone: the user's own Docker
configuration is neither asked for one nor written to.

Sources: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImagePush
and https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html
"""

from __future__ import annotations

import contextlib
import re
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import console
from odyssey.console import Progress, clean, elapsed, size
from odyssey.errors import ImageError, InterruptedByUserError
from odyssey.images import manifests, registry
from odyssey.images.engine import explained
from odyssey.images.layers import Layers
from odyssey.interruption import as_ctrl_c

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

    from odyssey.ecr import Destination
    from odyssey.images.image import Image

AGAIN = "odyssey docker push"
TEST = "odyssey docker test"
ATTEMPTS = 4
"""Times that a push is tried while the network or the registry fails; the engine itself tries
each layer five times before."""

_TRANSIENT = re.compile(
    r"connection reset|connection refused|broken pipe|\bEOF\b|i/o timeout|TLS handshake timeout"
    r"|Client\.Timeout|deadline exceeded|use of closed network connection"
    r"|unexpected HTTP status: 5|\b50[0234]\b|toomanyrequests|too many requests"
    r"|temporary failure in name resolution",
    re.IGNORECASE,
)
_TAKEN = re.compile(
    r"tag invalid.*already exists|tag is immutable|ImageTagAlreadyExists|cannot be overwritten",
    re.IGNORECASE | re.DOTALL,
)
_ADVICE = (
    (
        re.compile("authorization token has expired|token.*expired", re.IGNORECASE),
        f"{AGAIN} makes a new login each time; if it took more than 12 hours, look at the network",
    ),
    (
        re.compile("no basic auth credentials", re.IGNORECASE),
        "the registry in the image's name is not the one of the login: look at --profile and "
        "--region",
    ),
    (
        re.compile("name unknown|RepositoryNotFound|repository .* does not exist", re.IGNORECASE),
        f"the repository was deleted meanwhile; {AGAIN} makes it, or deploy the foundation again",
    ),
    (
        re.compile("denied|unauthorized|forbidden", re.IGNORECASE),
        "the user needs ecr:InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload, PutImage, "
        "BatchGetImage and BatchCheckLayerAvailability on the repository: odyssey permissions",
    ),
    (
        re.compile("LimitExceeded|too large|exceeds? .*(limit|maximum)", re.IGNORECASE),
        "ECR limits the size of a layer, and the images of a repository: make layers smaller, or "
        "expire old images",
    ),
)


@dataclass(frozen=True)
class Pushed:
    """An image that a registry has.

    Args:
        uri: ``REPOSITORY@sha256:...``, which nobody can move.
        digest: The digest of its manifest.
        tag: The tag it was given, made of its id.
        size: Bytes of its layers, compressed.
        layers_pushed: Layers that were sent.
        layers_there: Layers that the registry had already.
        seconds: How long it took.
    """

    uri: str
    digest: str
    tag: str
    size: int
    layers_pushed: int
    layers_there: int
    seconds: float

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "image": self.uri,
            "digest": self.digest,
            "tag": self.tag,
            "bytes": self.size,
            "layers": {"pushed": self.layers_pushed, "there_already": self.layers_there},
            "seconds": round(self.seconds, 3),
        }

    def summary(self) -> str:
        """Return what it is for a reader."""
        return (
            f"Pushed {self.uri} in {elapsed(self.seconds)}: {size(self.size)} compressed, "
            f"{self.layers_pushed} layers sent, {self.layers_there} there already"
        )


def tag_of(image: Image) -> str:
    """Return the tag that an image is pushed with: the same image, the same tag."""
    return f"sha-{image.id.partition(':')[2][:12]}"


def require_fit(image: Image, platform: str | None) -> None:
    """Check that AWS would take an image, as far as the engine knows it.

    Args:
        image: The image.
        platform: What it is to run on; None takes any.

    Raises:
        ImageError: It would not; every reason is named.
    """
    found = manifests.local_problems(image, platform)
    if found:
        raise _unfit(image.reference, "AWS would refuse it, so it is not pushed", found)


def push(
    engine: docker.DockerClient,
    image: Image,
    destination: Destination,
    *,
    platform: str | None,
    tested: bool,
    sleep: Callable[[float], object] = time.sleep,
) -> Pushed:
    """Push an image, and make sure that what arrived is this image and one that AWS takes.

    Args:
        engine: The Docker engine.
        image: The image.
        destination: The repository, and the password for it.
        platform: What the image is to run on, such as ``linux/amd64``; None takes any.
        tested: Whether it has passed the container contract test; if not, that is said.
        sleep: Waits between two attempts.

    Returns:
        The image by its digest.

    Raises:
        ImageError: AWS would not take the image, or the registry refuses it.
        InterruptedByUserError: Ctrl-C; pushing again finishes it.
    """
    require_fit(image, platform)
    if not tested:
        console.warn(f"{image.reference} has not passed the container contract test: {TEST}")
    started, tag = time.monotonic(), tag_of(image)
    target = f"{destination.repository_uri}:{tag}"
    layers = Layers(Progress(f"Pushing to {destination.repository_uri}"))
    try:
        with as_ctrl_c(), _tagged(engine, image, destination.repository_uri, tag), layers:
            digest = _send(engine, destination, tag, layers, sleep)
            stored = _read_back(image, destination, target, digest, sleep)
    except KeyboardInterrupt:
        raise InterruptedByUserError(
            "the push was interrupted; what has arrived stays there",
            f"pushing again finishes it: {AGAIN}",
        ) from None
    _check(image, target, stored, platform)
    return Pushed(
        uri=destination.image(stored.digest),
        digest=stored.digest,
        tag=tag,
        size=stored.size,
        layers_pushed=layers.pushed,
        layers_there=layers.there,
        seconds=time.monotonic() - started,
    )


@contextlib.contextmanager
def _tagged(engine: docker.DockerClient, image: Image, repository: str, tag: str) -> Iterator[None]:
    """Give an image the name that it is pushed by, for the length of a ``with`` block."""
    from docker.errors import APIError

    name = f"{repository}:{tag}"
    with explained("the image cannot be named"):
        names = engine.api.inspect_image(image.id).get("RepoTags") or []
        engine.api.tag(image.id, repository, tag)
    try:
        yield
    finally:
        # Without any other name the image itself would go with this one.
        if names and name not in names:
            with contextlib.suppress(APIError):
                engine.api.remove_image(name, noprune=True)


def _send(
    engine: docker.DockerClient,
    destination: Destination,
    tag: str,
    layers: Layers,
    sleep: Callable[[float], object],
) -> str | None:
    """Push, and again while the failure is one that passes.

    Returns:
        The digest, where the engine tells it; None where the tag is taken.
    """
    for attempt in range(1, ATTEMPTS + 1):
        digest, problem = _attempt(engine, destination, tag, layers)
        if not problem:
            return digest
        if _TAKEN.search(problem):
            return None
        if attempt == ATTEMPTS or not _TRANSIENT.search(problem):
            raise _refused(problem, attempt)
        pause = 2.0**attempt
        layers.say(f"  {clean(problem)}: once more in {elapsed(pause)}")
        sleep(pause)
    raise AssertionError("unreachable")


def _attempt(
    engine: docker.DockerClient, destination: Destination, tag: str, layers: Layers
) -> tuple[str | None, str]:
    """Push once.

    Returns:
        The digest where the engine tells it, and what went wrong; "" is nothing.
    """
    login = {"username": destination.username, "password": destination.password}
    digest: str | None = None
    with explained("the image could not be pushed"):
        events = engine.api.push(
            destination.repository_uri, tag, stream=True, decode=True, auth_config=login
        )
        try:
            with contextlib.closing(events):
                for event in events:
                    problem = _problem(event)
                    if problem:
                        return None, problem
                    digest = (event.get("aux") or {}).get("Digest", digest)
                    layers.take(event)
        except KeyboardInterrupt as error:
            # These frames hold the connection, and the engine goes on until it is closed.
            traceback.clear_frames(error.__traceback__)
            raise
    return digest, ""


def _problem(event: Any) -> str:
    """Return what an event says went wrong; "" is nothing."""
    detail = event.get("errorDetail") or {}
    said = detail.get("message") if isinstance(detail, dict) else detail
    return str(said or event.get("error") or event.get("message") or "")


def _refused(problem: str, attempts: int) -> ImageError:
    times = f" ({attempts} times)" if attempts > 1 else ""
    hint = next((advice for sign, advice in _ADVICE if sign.search(problem)), None)
    if hint is None and _TRANSIENT.search(problem):
        hint = f"look at the network; pushing again finishes it: {AGAIN}"
    return ImageError(f"the image could not be pushed{times}: {clean(problem).strip()}", hint)


def _read_back(
    image: Image,
    destination: Destination,
    target: str,
    digest: str | None,
    sleep: Callable[[float], object],
) -> registry.Stored:
    uri = f"{destination.repository_uri}@{digest}" if digest else target
    known = registry.Credentials(destination.username, destination.password)
    stored = registry.manifest(uri, known, insecure=destination.insecure, sleep=sleep)
    if image.id in (stored.config_digest, stored.digest):
        return stored
    if digest is None:
        raise ImageError(
            f"the tag {target} is taken by another image ({stored.digest}), and tags cannot be "
            "moved in this repository",
            f"delete that tag in ECR, then {AGAIN}",
        )
    raise ImageError(
        f"{uri} is not the image that was pushed: its configuration is "
        f"{stored.config_digest or 'unknown'}, and the image is {image.id}",
        AGAIN,
    )


def _check(image: Image, target: str, stored: registry.Stored, platform: str | None) -> None:
    found = manifests.problems(stored.media_type, stored.manifest, stored.config, platform)
    if found:
        raise _unfit(f"{image.reference}, as it arrived at {target}", "AWS would refuse it", found)


def _unfit(what: str, consequence: str, found: tuple[str, ...]) -> ImageError:
    lines = "".join(f"\n  {problem}" for problem in found)
    return ImageError(f"{what}: {consequence}:{lines}", "odyssey docker build")
