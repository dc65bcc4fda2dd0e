"""Rules of what ``odyssey.toml`` says of training jobs and transform jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey import hyperparameters
from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule
from odyssey.instances import is_graviton

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.config import Config

API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
TRAINING = ("sagemaker", "CreateTrainingJob")
TOGETHER = 100
"""Megabytes of requests at once on one instance of a batch transform job."""


@rule(
    "APP105",
    Severity.ERROR,
    "settings",
    "A training job on spare capacity may wait at least as long as it may run",
    source=f"{API}/API_StoppingCondition.html",
    fix="set training.max_wait to max_runtime or more, or to 0, which is twice as much",
)
def spot_wait(found: Config) -> Iterator[Fault]:
    """The wait is that for capacity and the run together, and SageMaker refuses a shorter one."""
    wanted = found.training
    if found.app.on_sagemaker and wanted.spot and 0 < wanted.max_wait < wanted.max_runtime:
        yield Fault(
            f"training.max_wait is {wanted.max_wait} s, less than the {wanted.max_runtime} s of "
            "training.max_runtime",
            path=("training", "max_wait"),
            value=wanted.max_wait,
            limit=f"at least {wanted.max_runtime}",
        )


@rule(
    "APP106",
    Severity.ERROR,
    "settings",
    "The requests at once of a batch transform job have 100 MB together at most",
    source=f"{API}/API_CreateTransformJob.html",
    fix="lower transform.max_payload or transform.max_concurrent",
)
def payloads(found: Config) -> Iterator[Fault]:
    """SageMaker refuses a job whose largest requests, all at once, are more for an instance."""
    wanted = found.transform
    together = wanted.max_payload * wanted.max_concurrent
    if found.app.on_sagemaker and together > TOGETHER:
        yield Fault(
            f"transform.max_payload x transform.max_concurrent is {together} MB",
            path=("transform", "max_concurrent"),
            value=f"{wanted.max_payload} x {wanted.max_concurrent}",
            limit=f"at most {TOGETHER} MB",
        )


@rule(
    "APP107",
    Severity.ERROR,
    "settings",
    "Hyperparameters keep the limits of training jobs",
    source="botocore's model of sagemaker, CreateTrainingJob",
    fix="put what is long into a file of the training data",
)
def hyperparameter_limits(found: Config) -> Iterator[Fault]:
    """SageMaker refuses a job with more of them, or with longer ones."""
    given = hyperparameters.load(found.folder) if found.app.on_sagemaker else {}
    every = limits.of(*TRAINING, "HyperParameters")
    place = (hyperparameters.FILE,)
    if not every.admits(given):
        yield Fault(
            f"there are {len(given)} hyperparameters",
            path=place,
            value=len(given),
            limit=every.describe(),
        )
    for part, texts in (("key", given), ("value", given.values())):
        limit = limits.of(*TRAINING, "HyperParameters", part)
        for text in texts:
            if not limit.admits(text):
                cut = text if len(text) <= 40 else f"{text[:37]}..."
                yield Fault(
                    f"the {part} of a hyperparameter has {len(text)} characters",
                    path=place,
                    value=cut,
                    limit=limit.describe(),
                )


@rule(
    "APP108",
    Severity.WARNING,
    "settings",
    "An instance type is one that the service has",
    source="botocore's model of sagemaker: the types of endpoints, training and transform jobs",
    fix="take one that it has; pip install --upgrade botocore knows newer ones",
)
def instance_types(found: Config) -> Iterator[Fault]:
    """Endpoints, training jobs and transform jobs have three different lists of types.

    A type that is newer than the installed botocore may be right all the same. Training jobs have
    no Graviton processors.
    """
    if not found.app.on_sagemaker:
        return
    variant = ("CreateEndpointConfig", "ProductionVariants", "InstanceType")
    used = {
        "training": ("CreateTrainingJob", "ResourceConfig", "InstanceType"),
        "transform": ("CreateTransformJob", "TransformResources", "InstanceType"),
        **({} if found.endpoint.kind == "serverless" else {"endpoint": variant}),
    }
    for section, path in used.items():
        seen = getattr(found, section).instance_type
        limit = limits.of("sagemaker", *path)
        if not limit.admits(seen):
            certain = section == "training" and is_graviton(seen)
            yield Fault(
                f"{seen} is no type that botocore knows for {section}",
                path=(section, "instance_type"),
                value=seen,
                limit=limit.describe(),
                severity=Severity.ERROR if certain else None,
            )


@rule(
    "APP113",
    Severity.ERROR,
    "settings",
    "The variables of training jobs keep SageMaker's limits",
    source="botocore's model of sagemaker, CreateTrainingJob",
    fix="put what is long into a file of the training data, and mend the name",
)
def training_environment(found: Config) -> Iterator[Fault]:
    """SageMaker refuses a job with other names, longer values or more variables."""
    given = found.training.environment if found.app.on_sagemaker else {}
    every = limits.of(*TRAINING, "Environment")
    if not every.admits(dict(given)):
        yield Fault(
            f"there are {len(given)} variables",
            path=("training", "environment"),
            value=len(given),
            limit=every.describe(),
        )
    key, value = (limits.of(*TRAINING, "Environment", part) for part in ("key", "value"))
    for name, text in given.items():
        # The value may be a secret, which no report repeats.
        length = f"{len(text)} characters"
        for limit, what, is_, seen in ((key, "name", name, name), (value, "value", text, length)):
            if not limit.admits(is_):
                yield Fault(
                    f"the {what} of the variable {name} is not one that SageMaker takes",
                    path=("training", "environment", name),
                    value=seen,
                    limit=limit.describe(),
                )
