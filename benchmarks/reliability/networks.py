"""A network that breaks in the middle of an upload, a deployment, a training, a push."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from benchmarks.reliability import engines, kills_aws
from benchmarks.reliability.account import Account
from benchmarks.reliability.experiment import FAULTS, Experiment, Observed
from benchmarks.reliability.kills import Place
from benchmarks.reliability.links import Link
from benchmarks.reliability.scene import HUNG, Done, Scene, SetupError, until

BREAKS: tuple[tuple[float, bool], ...] = ((0.3, False), (0.7, False), (0.5, True))
"""Shares of the bytes at which it breaks, and whether it stays down."""

HEAD = ["breaks at", "and then", "exit code", "what it says", "again", "same result"]
WEIGHTS = 24_000_000


@dataclass(frozen=True)
class Case:
    """A command over a network that breaks.

    Attributes:
        account: The sandbox it speaks to.
        prepare: Makes the state before the command, for a name.
        result: What it has made, comparable across places.
        settled: Whether nothing goes on any more.
        breaks: Shares of the bytes at which it breaks, and whether it stays down.
    """

    account: Callable[[Scene], Account]
    prepare: Callable[[Scene, str], Place]
    result: Callable[[Scene, Place], Any]
    settled: Callable[[Scene, Place], bool] = lambda _scene, _place: True
    breaks: tuple[tuple[float, bool], ...] = BREAKS


@dataclass
class Line:
    """The command's way to its AWS, and what it does undisturbed."""

    link: Link
    result: Any
    bytes: int
    seconds: float


def broken(name: str, breaks: str, case: Case) -> Experiment:
    """Return the experiment that breaks the network at several points of a command."""
    return Experiment(
        name,
        FAULTS,
        f"The network breaks in the middle of {breaks}, {_times(case)}",
        "the command goes on, or ends with a proper error and can be repeated; the result is that "
        "of an undisturbed run",
        lambda scene: _setup(scene, case),
        lambda scene, line: [
            _break(scene, case, line, n, *how) for n, how in enumerate(case.breaks)
        ],
        _observe,
    )


def _times(case: Case) -> str:
    lasting = any(stays_down for _, stays_down in case.breaks)
    return "twice for a moment" + (", and once for good" if lasting else "")


def _setup(scene: Scene, case: Case) -> Line:
    url = urlsplit(case.account(scene).url)
    link = scene.stack.enter_context(Link(int(url.port or 0)))
    place = case.prepare(scene, "calm")
    done = _run(scene, place, link)
    if done.code:
        raise SetupError(f"odyssey {' '.join(place.words)} ended with {done.code}: {done.said}")
    return Line(link, case.result(scene, place), link.passed, done.seconds)


def _run(scene: Scene, place: Place, link: Link) -> Done:
    url = f"http://127.0.0.1:{link.port}"
    return scene.run(*place.words, cwd=place.cwd, AWS_ENDPOINT_URL=url)


Tried = tuple[list[str], list[str]]


def _break(
    scene: Scene, case: Case, line: Line, number: int, share: float, stays_down: bool
) -> Tried:
    place = case.prepare(scene, f"cut-{number}")
    line.link.reset(int(share * line.bytes), stays_down=stays_down)
    done = _run(scene, place, line.link)
    cuts = line.link.cuts
    line.link.reset()
    until(lambda: case.settled(scene, place), 120, 0.2)
    again = _run(scene, place, line.link)
    same = case.result(scene, place) == line.result
    faults = []
    if not cuts:
        faults.append("the network did not break")
    if done.code == HUNG:
        faults.append("it hangs")
    elif done.code and not done.is_proper:
        faults.append(f"no proper error: exit {done.code}, {done.said}")
    if done.code == 0 and stays_down:
        faults.append("it says that all is well")
    if again.code:
        faults.append(f"again: exit {again.code}, {again.said}")
    if not same:
        faults.append("the result is another than the undisturbed one's")
    where = f"{share:.0%} of {line.bytes:,} bytes"
    then = "stays down" if stays_down else "works again at once"
    row = [where, then, str(done.code), done.said if done.code else "–"]
    return [*row, f"exit {again.code}", "yes" if same else "NO"], [f"{where}: {f}" for f in faults]


def _observe(_: Scene, line: Line, tried: list[Tried]) -> Observed:
    return Observed(
        {"undisturbed, s": line.seconds},
        [HEAD, *(row for row, _ in tried)],
        [fault for _, faults in tried for fault in faults],
    )


def _to_upload(scene: Scene, name: str) -> Place:
    app = scene.app(name)
    weights = scene.folder / "weights"
    if not weights.exists():
        weights.write_bytes(os.urandom(WEIGHTS))
    os.link(weights, app / "model" / "weights")
    prefix = f"s3://{kills_aws.MODELS}/{name}"
    return Place(app, ("sagemaker", "upload", "model", "-m", prefix), name)


def _uploaded(scene: Scene, place: Place) -> list[Any]:
    """What is in the bucket, half-sent parts included."""
    s3 = kills_aws.account(scene).client("s3")
    listed = s3.list_objects_v2(Bucket=kills_aws.MODELS, Prefix=f"{place.name}/")
    return [
        (one["Key"].replace(place.name, "NAME"), one["Size"], one["ETag"])
        for one in listed.get("Contents", [])
    ]


def _to_push(scene: Scene, name: str) -> Place:
    """An app whose image is one layer that no registry has yet."""
    app = engines.app(scene, name)
    packed = scene.folder / f"{name}.tar"
    with tarfile.open(packed, "w") as archive:
        weights = tarfile.TarInfo("weights")
        weights.size = WEIGHTS
        archive.addfile(weights, io.BytesIO(os.urandom(WEIGHTS)))
    engines.docker("import", str(packed), app.name)
    packed.unlink()
    return Place(app, ("docker", "push"), app.name)


def _pushed(scene: Scene, place: Place) -> list[Any]:
    ecr = kills_aws.account(scene).client("ecr")
    images = ecr.describe_images(repositoryName=place.name)["imageDetails"]
    return [(one["imageSizeInBytes"] // 10**6, len(one["imageTags"])) for one in images]


EXPERIMENTS = [
    broken(
        "network-push",
        f"`odyssey docker push` of a layer of {WEIGHTS // 10**6} MB",
        Case(kills_aws.account, _to_push, _pushed),
    ),
    broken(
        "network-upload",
        f"`odyssey sagemaker upload` of {WEIGHTS // 10**6} MB",
        Case(kills_aws.account, _to_upload, _uploaded),
    ),
    broken(
        "network-deploy",
        "`odyssey deploy --yes`",
        Case(
            kills_aws.account,
            kills_aws.to_deploy,
            kills_aws.is_serving,
            kills_aws.is_quiet,
        ),
    ),
    broken(
        "network-train",
        "`odyssey sagemaker train`",
        Case(
            kills_aws.account,
            kills_aws.to_train,
            lambda scene, place: kills_aws.model_digest(
                scene, kills_aws.recorded(place, scene)["model"]
            ),
            kills_aws.runs_no_job,
            # One that stays down is waited for, ten minutes long: the job goes on without us.
            BREAKS[:2],
        ),
    ),
]
