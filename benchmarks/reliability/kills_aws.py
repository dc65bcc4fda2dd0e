"""SIGKILL of what changes an AWS: jobs, deployments, functions, destruction."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.reliability import kills
from benchmarks.reliability.account import Account, archive, enter, put
from benchmarks.reliability.kills import Case, Moment, Place
from benchmarks.reliability.kills_local import state_left
from benchmarks.reliability.scene import Scene

ROWS = "5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n" * 20
MODELS = "reliability-models"
YOUNG = timedelta(minutes=11)
"""More than the age below which a temporary model without a job is left alone."""


def account(scene: Scene) -> Account:
    """Return the scene's sandbox, started on first use with a model and a role in it."""
    found = scene.kept.get("account")
    if not isinstance(found, Account):
        host = scene.app("host")
        found = enter(scene, host)
        scene.kept["account"] = found
        found.bucket(MODELS)
        put(found, MODELS, "first/model.tar.gz", archive(host))
        found.role()
    return found


def recorded(place: Place, scene: Scene) -> dict[str, str]:
    """Return what an app has recorded for the sandbox."""
    file = place.cwd / ".odyssey" / "artifacts.json"
    document = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    home = document.get("sandbox", {}).get(scene.variables["ODYSSEY_SANDBOX"], {})
    found: dict[str, str] = home.get("artifacts", {})
    return found


def model_digest(scene: Scene, uri: str) -> str:
    """Return the digest of the file in a model's archive in S3."""
    place = urlsplit(uri)
    s3 = account(scene).client("s3")
    body = s3.get_object(Bucket=place.netloc, Key=place.path[1:])["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as opened:
        file = opened.extractfile("model.pkl")
        return hashlib.sha256(file.read() if file else b"").hexdigest()


# -- jobs


def to_train(scene: Scene, name: str) -> Place:
    """Return an app about to be trained in a job."""
    role = account(scene).role()
    words = ("sagemaker", "-r", role, "train", "-m", f"s3://{MODELS}/{name}")
    return Place(scene.app(name), (*words, "-i", "input/data/training"), name)


def _jobs(scene: Scene, place: Place, *states: str) -> list[str]:
    client = account(scene).client("sagemaker")
    listed = client.list_training_jobs(NameContains=place.name)["TrainingJobSummaries"]
    return [
        job["TrainingJobName"] for job in listed if not states or job["TrainingJobStatus"] in states
    ]


def _is_found_again(scene: Scene, place: Place) -> list[str]:
    """A job that runs is recorded, or ``odyssey sagemaker list`` names it."""
    names = _jobs(scene, place)
    if not names or recorded(place, scene).get("training_job") in names:
        return []
    told = scene.must("sagemaker", "list", cwd=place.cwd)
    missing = [name for name in names if name not in json.dumps(told)]
    return [f"the job {name} is neither recorded nor listed" for name in missing]


def _to_transform(scene: Scene, name: str) -> Place:
    role = account(scene).role()
    app = scene.app(name)
    (app / "rows.csv").write_text(ROWS, encoding="utf-8")
    uri = f"s3://{MODELS}/first/model.tar.gz"
    words = ("sagemaker", "-r", role, "batch-transform", "-m", uri, "-i", "rows.csv")
    return Place(app, (*words, "-o", f"s3://{MODELS}/out-{name}"), name)


def _transform_jobs(scene: Scene, place: Place) -> list[dict[str, Any]]:
    client = account(scene).client("sagemaker")
    listed: list[dict[str, Any]] = client.list_transform_jobs(NameContains=f"{place.name}-batch")[
        "TransformJobSummaries"
    ]
    return listed


def _models(scene: Scene, place: Place) -> list[str]:
    listed = account(scene).client("sagemaker").list_models(NameContains=f"{place.name}-batch-")
    return [f"model {model['ModelName']}" for model in listed["Models"]]


def _answers(scene: Scene, place: Place) -> list[str]:
    s3 = account(scene).client("s3")
    listed = s3.list_objects_v2(Bucket=MODELS, Prefix=f"out-{place.name}").get("Contents", [])
    return [s3.get_object(Bucket=MODELS, Key=one["Key"])["Body"].read().decode() for one in listed][
        :1
    ]


def _sweep_later(scene: Scene, place: Place) -> None:
    """Sweep as the next batch transform does, with a clock that is set forward."""
    from odyssey.jobs import temporary

    client = account(scene).client("sagemaker")
    temporary.sweep(client, place.name, now=datetime.now(UTC) + YOUNG)


# -- stacks


def endpoint_settings(app: Path, key: str = "first") -> None:
    """Give an app's endpoint a model, and a name of its own."""
    with (app / "odyssey.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[artifacts]\nmodel = "s3://{MODELS}/{key}/model.tar.gz"\n')


def to_deploy(scene: Scene, name: str) -> Place:
    """Return an app about to be deployed, with a model that is in the account."""
    account(scene)
    scene.workshop.warm_up()
    app = scene.app(name)
    endpoint_settings(app)
    return Place(app, ("deploy", "--yes"), name)


def _resources(scene: Scene, place: Place) -> list[str]:
    return account(scene).resources(place.name)


def is_quiet(scene: Scene, place: Place) -> bool:
    """Return whether nothing happens to the app's stacks."""
    states = account(scene).stacks(place.name).values()
    return not any(state.endswith("_IN_PROGRESS") for state in states if state[:6] != "REVIEW")


def is_serving(scene: Scene, place: Place) -> list[Any]:
    """Return the resources of the app's stacks, and the answer of its endpoint."""
    runtime = account(scene).client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(
        EndpointName=place.name,
        Body=b'{"observation": [5.1, 3.5, 1.4, 0.2]}',
        ContentType="application/json",
    )
    return [*_resources(scene, place), json.load(answer["Body"])]


def _deployed(scene: Scene, name: str) -> Place:
    place = to_deploy(scene, name)
    scene.must("deploy", "--yes", cwd=place.cwd)
    return place


def _to_serve(scene: Scene, name: str) -> Place:
    place = _deployed(scene, name)
    uri = put(account(scene), MODELS, "second/model.tar.gz", archive(place.cwd))
    return Place(place.cwd, ("sagemaker", "serve", "-m", uri, "--yes"), name)


def _to_destroy(scene: Scene, name: str) -> Place:
    return Place(_deployed(scene, name).cwd, ("destroy", "--yes"), name)


# -- functions


def _to_make_function(verb: str) -> Any:
    def prepare(scene: Scene, name: str) -> Place:
        account(scene)
        scene.workshop.warm_up()
        app = scene.app(name, "lambda")
        uri = f"s3://{MODELS}/first/model.tar.gz"
        words = ("lambda", verb, *(("-m", uri) if verb == "serve" else ()), "--yes")
        return Place(app, words, name)

    return prepare


def _functions(scene: Scene, place: Place) -> list[str]:
    client = account(scene).client("lambda")
    names = [f["FunctionName"] for f in client.list_functions()["Functions"]]
    own = [name.replace(place.name, "NAME") for name in names if name.startswith(place.name)]
    return sorted([*own, *_resources(scene, place)])


def _job_is_there(scene: Scene, place: Place) -> bool:
    return bool(_jobs(scene, place))


def _job_is_recorded(scene: Scene, place: Place) -> bool:
    return "training_job" in recorded(place, scene)


def runs_no_job(scene: Scene, place: Place) -> bool:
    """Return whether no training job of the app runs."""
    return not _jobs(scene, place, "InProgress", "Stopping")


def _transforms_nothing(scene: Scene, place: Place) -> bool:
    jobs = _transform_jobs(scene, place)
    return not any(job["TransformJobStatus"] == "InProgress" for job in jobs)


STAYS = (
    "A temporary model that has no job yet is left alone for ten minutes, for another run may be "
    "about to start its job; to see it go, the clock of the next run's sweep was set forward."
)

EXPERIMENTS = [
    kills.experiment(
        "kill-sagemaker-train",
        "`odyssey sagemaker train` is killed before, while and after it submits the job",
        Case(
            to_train,
            lambda scene, place: model_digest(scene, recorded(place, scene)["model"]),
            state_left,
            moments=(
                0.15,
                Moment("the job is there", _job_is_there),
                Moment("the job is recorded", _job_is_recorded),
                0.8,
            ),
            settled=runs_no_job,
            after=_is_found_again,
        ),
        holds="a job that was started is recorded, or `odyssey sagemaker list` names it",
    ),
    kills.experiment(
        "kill-batch-transform",
        "`odyssey sagemaker batch-transform` is killed around its temporary model and its job",
        Case(
            _to_transform,
            _answers,
            lambda scene, place: [*state_left(scene, place), *_models(scene, place)],
            moments=(
                Moment("the model is there", lambda s, p: bool(_models(s, p))),
                Moment("the job is there", lambda s, p: bool(_transform_jobs(s, p))),
                0.8,
            ),
            settled=_transforms_nothing,
            later=_sweep_later,
        ),
        remark=STAYS,
    ),
    kills.experiment(
        "kill-deploy",
        "`odyssey deploy --yes` of foundation and endpoint is killed at four moments",
        Case(
            to_deploy,
            is_serving,
            state_left,
            moments=(0.25, 0.45, 0.7, 0.9),
            settled=is_quiet,
        ),
    ),
    kills.experiment(
        "kill-sagemaker-serve",
        "`odyssey sagemaker serve` of a second model is killed at two moments",
        Case(_to_serve, is_serving, state_left, moments=(0.5, 0.85), settled=is_quiet),
    ),
    kills.experiment(
        "kill-destroy",
        "`odyssey destroy --yes` is killed at two moments",
        Case(_to_destroy, _resources, state_left, moments=(0.4, 0.7), settled=is_quiet),
    ),
    kills.experiment(
        "kill-lambda-train",
        "`odyssey lambda train --yes` is killed at two moments",
        Case(
            _to_make_function("train"),
            _functions,
            state_left,
            moments=(0.4, 0.8),
            settled=is_quiet,
        ),
    ),
    kills.experiment(
        "kill-lambda-serve",
        "`odyssey lambda serve --yes` is killed at two moments",
        Case(
            _to_make_function("serve"),
            _functions,
            state_left,
            moments=(0.4, 0.8),
            settled=is_quiet,
        ),
    ),
]
