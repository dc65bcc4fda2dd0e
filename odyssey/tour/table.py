"""The steps of the tour, as data: what is typed, why, and what to look at afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.tour.step import Edit, Step, Typed

if TYPE_CHECKING:
    from collections.abc import Sequence

APP = "iris-tour"
"""The app's name: its folder's, its image's and its endpoint's."""

HERE, BOX = "On this machine", "In a container"
REVIEW, SAGEMAKER, LAMBDA, END = "Review and deploy", "On SageMaker", "On Lambda", "The end"

SETOSA = '{"observation": [5.1, 3.5, 1.4, 0.2]}'
VERSICOLOR = '{"observation": [7.0, 3.2, 4.7, 1.4]}'
"""A flower of the data that a timid model takes for another one."""

PREDICTION = r'"prediction":\s*"(?P<prediction>[\w-]+)"'
JOB = r"(?m:^)(?P<job>\S+): trained in"
ACCURACY = r"accuracy on them (?P<accuracy>[\d.]+)"
CONFIG = r"  EndpointConfigName {2,}(?P<config>\S+)"
TRAINED = r"accuracy|^Started|^  [A-Z]|trained in"
CHANGES = (
    r"^Account|^[+~±-] |^\d+ \w+[,:]|^Permissions|^Cost|^Error|^Hint"
    r"|^  [A-Z_]+ +AWS::(SageMaker::Endpoint|Lambda::Function) "
    r"|^  \w+_(COMPLETE|FAILED) +AWS::CloudFormation::Stack"
    r"|^  (Endpoint\w+|\w+FunctionArn) {2,}"
)
"""The lines of a deployment that tell most: what changes, what it costs, how it went on."""


def steps(executor: str, name: str, port: int, *, keep: bool = False) -> Sequence[Step]:
    """Return the steps.

    Args:
        executor: What runs the sandbox's jobs: ``docker`` or ``process``.
        name: The sandbox's name.
        port: The port of the local server.
        keep: Whether the app and the sandbox stay: nothing is destroyed then.
    """
    in_docker = executor == "docker"
    made = [*_here(port), *(_in_a_container() if in_docker else [])]
    made += [*_deployed(executor, name), *([_push()] if in_docker else [])]
    made += [*_on_sagemaker(), *_on_lambda()]
    return made if keep else [*made, *_end(name, in_docker)]


def _here(port: int) -> list[Step]:
    ask = f"odyssey local request --port {port}"
    return [
        Step(
            key="init",
            part=HERE,
            title="An app from the template",
            why="An app is a folder: train.py and serve.py are yours, the rest is the server and "
            "the settings around them. It is for SageMaker and for Lambda, and works as it is, "
            "on a small data set of irises.",
            acts=(
                Typed(f"odyssey init -p aws -s sagemaker+lambda start {APP}", shows="^Made"),
                Typed(f"cd {APP}"),
            ),
            result=f"{APP}/",
            see="train.py and serve.py: two functions each, and nothing of AWS in them",
        ),
        Step(
            key="local-train",
            part=HERE,
            title="Train on this machine",
            why="The app's own trainer runs here, over input/ laid out as a SageMaker training "
            "job lays it out. What works here works there, for it is the same program.",
            acts=(Typed("odyssey local train", finds=ACCURACY),),
            result="accuracy {accuracy}",
            see="model/: what train() wrote, and get_model() will read",
        ),
        Step(
            key="local-serve",
            part=HERE,
            title="Serve it, and ask it",
            why="The server is the one that the endpoint will run, with its rules for formats and "
            "errors. One record goes as JSON, and a table as CSV.",
            acts=(
                Typed(f"odyssey local serve --port {port}", shows="INFO|^POST", serves=True),
                Typed(f"{ask} --data '{SETOSA}'", finds=PREDICTION),
                Typed("printf '5.1,3.5,1.4,0.2\\n6.7,3.0,5.2,2.3\\n' > two.csv"),
                Typed(f"{ask} --file two.csv", finds=r"(?P<rows>Iris-\w+\s+Iris-\w+)"),
            ),
            result="{prediction}",
        ),
    ]


def _in_a_container() -> list[Step]:
    return [
        Step(
            key="docker-build",
            part=BOX,
            title="Build the image",
            why="One image trains and serves, on SageMaker and on Lambda. The first build installs "
            "what requirements.txt names; after an edit of the code only the last layers are new.",
            acts=(
                Typed(
                    "odyssey docker build",
                    shows="^Step|^Built|^Success",
                    finds=r"(?m)^Built .*: (?P<image>\w+), (?P<platform>\S+), (?P<size>[\d.]+ MB)",
                ),
            ),
            result="{size}, {platform}",
        ),
        Step(
            key="docker-test",
            part=BOX,
            title="Test the container's contract",
            why="It is started as SageMaker would start it, and asked what it may be asked there: "
            "pings, requests, bodies at the limits, SIGTERM. A broken rule is named here, and not "
            "by a failed endpoint a quarter of an hour later.",
            acts=(
                Typed(
                    "odyssey docker test", shows="^PASS|^FAIL|^The", finds=r"(?P<passed>\d+) pass"
                ),
            ),
            result="{passed} rules kept",
        ),
    ]


def _deployed(executor: str, name: str) -> list[Step]:
    machines = "containers of the image" if executor == "docker" else "processes of this app"
    return [
        Step(
            key="sandbox",
            part=REVIEW,
            title="An AWS of one's own",
            why=f"It is an AWS in one process, in which jobs and endpoints are {machines}. Every "
            "tool that speaks to AWS speaks to it from here on; its keys are dummies, and it "
            "connects to nothing but this machine.",
            acts=(
                Typed(f"odyssey sandbox start --name {name} --executor {executor}"),
                Typed(f'eval "$(odyssey sandbox env --name {name})"'),
            ),
            result="{url}",
        ),
        Step(
            key="check",
            part=REVIEW,
            title="Check for what AWS would refuse",
            why="Over 180 rules, cfn-lint, cdk-nag and the CDK's own validation look at settings, "
            "templates and model before AWS is asked anything. What they find, AWS would have "
            "refused later, an hour later perhaps.",
            acts=(
                Typed(
                    "odyssey check",
                    shows=r"^  (error|warning|info) |^Checked|^  cdk\.out",
                    finds=r"(?s)\nChecked .*?: (?P<findings>[^:\n]+)\n",
                ),
            ),
            result="{findings}",
            see="odyssey check --explain ECR106, for why there is such a rule",
        ),
        Step(
            key="review",
            part=REVIEW,
            title="Review what will change",
            why="What happens to each resource, who may do more than before and what a month "
            "costs, for those who approve it. The same goes into a pull request as Markdown.",
            acts=(
                Typed(
                    "odyssey review --base deployed",
                    shows=r"^\d+ |^[+~±-] |^Perm|^Cost|^Find|^  (error|warning|info) |^  \.odyssey",
                    finds=r"Cost: (?P<cost>\S+) a month",
                ),
            ),
            result="{cost} a month without a request",
            see=".odyssey/review/review.html in a browser",
        ),
        Step(
            key="deploy",
            part=REVIEW,
            title="Deploy the foundation",
            why="The CDK's own program deploys the stack of what stays: a repository, a bucket, "
            "roles with the rights that are needed and no more. It would ask first; --yes answers.",
            acts=(
                Typed(
                    "odyssey deploy --yes",
                    shows=f"{CHANGES}|^  (BucketName|RepositoryUri) ",
                    finds=r"  BucketName {2,}(?P<bucket>\S+)",
                ),
            ),
            result="a bucket, a repository, roles",
            on_aws="half a minute, and nothing to pay until something is stored.",
        ),
    ]


def _push() -> Step:
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


def _on_sagemaker() -> list[Step]:
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
            result="{prediction}: wrong",
            on_aws="five minutes or more; from then on an ml.m5.large costs by the hour.",
            see="the endpoint serves the model of {maker}, with {config}",
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
            result="{prediction}: right",
            on_aws="a tenth of the requests goes to the new model for five minutes, with an alarm "
            "on errors; the sandbox changes over as soon as the new model answers /ping.",
            see="the endpoint serves the model of {maker}, with {config}",
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


def _on_lambda() -> list[Step]:
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
                    finds=r"(?P<model>s3://\S+model\.tar\.gz)",
                ),
            ),
            result="a model in S3",
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
            result="{prediction}",
            on_aws="the same, in a minute or so.",
        ),
    ]


def _end(name: str, in_docker: bool) -> list[Step]:
    destroy, *cleaning = ending(name, in_docker=in_docker)
    return [
        Step(
            key="destroy",
            part=END,
            title="Destroy the stacks",
            why="It says what goes and what stays, and would ask. The bucket and the repository "
            "stay, for models and images are not thrown away by the way; these go with the "
            "sandbox.",
            acts=(
                Typed(
                    f"{destroy} --yes",
                    shows=r"^  goes +AWS::(SageMaker|Lambda)|^  stays|: destroyed",
                ),
            ),
            result="left in the account: {left}",
            see="on purpose there are still {stays}",
            look="account",
        ),
        Step(
            key="clean",
            part=END,
            title="Leave nothing behind",
            why="The sandbox stops, and with it every machine of a job. Then the tour looks for "
            "what it may have left on this machine.",
            acts=tuple(Typed(line) for line in cleaning),
            result="left on this machine: {left}",
            see="the tour has looked for {places}",
            look="machine",
        ),
    ]


def ending(name: str, *, in_docker: bool) -> list[str]:
    """Return the lines that take away, from the app's folder, what the tour has made."""
    return [
        "odyssey destroy",
        'eval "$(odyssey sandbox env --leave)"',
        f"odyssey sandbox stop --name {name}",
        "cd ..",
        f"rm -r {APP}",
        *([f"docker image rm {APP}"] if in_docker else []),
    ]
