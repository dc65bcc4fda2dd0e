"""The steps that run the app on SageMaker and on Lambda."""

from __future__ import annotations

from odyssey.tour.patterns import (
    ACCURACY,
    CHANGES,
    CONFIG,
    JOB,
    LAMBDA,
    PREDICTION,
    SAGEMAKER,
    TRAINED,
    VERSICOLOR,
)
from odyssey.tour.step import Edit, Step, Typed


def push() -> Step:
    """Return the step that pushes the image."""
    return Step(
        key="push",
        part=SAGEMAKER,
        title="Push the image",
        why="Jobs and endpoints take the image from the foundation's repository. Its digest is "
        "recorded, so that what was tested is what runs.",
        acts=(Typed("odyssey docker push", finds=r"@(?P<digest>sha256:[0-9a-f]{64})"),),
        result="{digest:.19}",
        on_aws="as long as the network takes for it; storage costs $0.10 a GB and month.",
        see=".odyssey/artifacts.json: what is recorded is the default of what comes after",
    )


def on_sagemaker() -> list[Step]:
    """Return the steps of jobs and of the endpoint."""
    serve = Typed("odyssey sagemaker serve --yes", shows=CHANGES, finds=CONFIG)
    ask = Typed(f"odyssey sagemaker invoke --data '{VERSICOLOR}'", finds=PREDICTION)
    return [
        Step(
            key="train",
            part=SAGEMAKER,
            title="A training job",
            why="The data is uploaded, a job trains, its log is followed, its model is recorded. "
            "This first model is timid on purpose: C=0.01 holds scikit-learn's regression back.",
            acts=(
                Typed(
                    "odyssey sagemaker train --hyperparameters C=0.01",
                    shows=TRAINED,
                    finds=f"{ACCURACY}(?s:.*){JOB}",
                ),
            ),
            result="accuracy {accuracy}",
            on_aws="three minutes or so, most of it until the machine is there; about a cent.",
        ),
        Step(
            key="endpoint",
            part=SAGEMAKER,
            title="An endpoint, and a prediction",
            why="One stack more: role, model, configuration and endpoint, of the recorded image "
            "and model. The flower that is sent is an Iris-versicolor, and the timid model errs.",
            acts=(serve, ask),
            result="says {prediction}",
            on_aws="five minutes or more; from then on an ml.m5.large costs by the hour.",
            see="the endpoint serves the model of {maker}",
            look="endpoint",
        ),
        Step(
            key="canary",
            part=SAGEMAKER,
            title="A better model takes its place",
            why="Another job trains with the defaults, and [rollout] says how the endpoint gets "
            "its model: a share of the requests first, back by itself on errors. It keeps its "
            "name, and answers all the while: the same flower is now an Iris-versicolor.",
            acts=(
                Typed("odyssey sagemaker train", shows=TRAINED, finds=f"{ACCURACY}(?s:.*){JOB}"),
                Edit("odyssey.toml", '\n[rollout]\nkind = "canary"\n'),
                serve,
                ask,
            ),
            result="says {prediction}",
            on_aws="a tenth of the requests goes to the new model for five minutes, with an alarm "
            "on errors; the sandbox changes over as soon as the new model answers /ping.",
            see="the endpoint serves the model of {maker}",
            look="endpoint",
        ),
        Step(
            key="batch",
            part=SAGEMAKER,
            title="A batch transform",
            why="Many records at once need no endpoint: a job reads them from S3, asks the same "
            "container, and writes the answers beside. Here they are the flowers of the data, "
            "without their names.",
            acts=(
                Typed("cut -d, -f1-4 input/data/training/iris.data > flowers.csv"),
                Typed(
                    "odyssey sagemaker batch-transform -i flowers.csv",
                    shows=r"^Uploaded|^  [A-Z]\w+$|\.out$",
                    finds=r"(?P<answers>s3://\S+\.out)",
                ),
            ),
            result="{right} of {rows} flowers right",
            on_aws="five minutes or so, and about a cent.",
            look="batch",
        ),
    ]


def on_lambda() -> list[Step]:
    """Return the steps of the functions."""
    return [
        Step(
            key="lambda-train",
            part=LAMBDA,
            title="A function that trains",
            why="The same train.py as a function, for what fits into fifteen minutes; a schedule "
            "may call it every night. --run calls it now, and its model is recorded.",
            acts=(
                Typed(
                    "odyssey lambda train --run --yes",
                    shows=f"{CHANGES}|^s3://",
                    finds=r"s3://\S+/(?P<maker>[\w-]+)/model\.tar\.gz",
                ),
            ),
            result="{maker}",
            on_aws="a minute to deploy; a call costs a fraction of a cent, and waiting nothing.",
        ),
        Step(
            key="lambda-serve",
            part=LAMBDA,
            title="A function that answers",
            why="The same serve.py, paid by the call and not by the hour. It gives the same answer "
            "as the endpoint and as this machine.",
            acts=(
                Typed("odyssey lambda serve --yes", shows=CHANGES),
                Typed(f"odyssey lambda invoke --data '{VERSICOLOR}'", finds=PREDICTION),
            ),
            result="says {prediction}",
            on_aws="the same, in a minute or so.",
        ),
    ]
