"""The steps of the tour, as data: what is typed, why, and what to look at afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.tour.aws_steps import on_lambda, on_sagemaker, push
from odyssey.tour.patterns import ACCURACY, APP, BOX, CHANGES, END, HERE, PREDICTION, REVIEW, SETOSA
from odyssey.tour.step import Step, Typed

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    made += [*_deployed(executor, name), *([push()] if in_docker else [])]
    made += [*on_sagemaker(), *on_lambda()]
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
                    finds=r"(?m)^(?P<count>\d+) created",
                ),
            ),
            result="{count} resources created",
            on_aws="half a minute, and nothing to pay until something is stored.",
        ),
    ]


def _end(name: str, in_docker: bool) -> list[Step]:
    destroy, *cleaning = ending(name, in_docker=in_docker)
    cache = "; Docker keeps its cache of the build, which docker image prune takes away"
    cache = cache if in_docker else ""
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
            see=f"the tour has looked for {{places}}{cache}",
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
