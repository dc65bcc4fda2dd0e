"""What the sandbox is ordered to do wrong: throttling, refusals, cuts, no capacity, no health."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.reliability import kills_aws
from benchmarks.reliability.experiment import FAULTS, Experiment, Observed
from benchmarks.reliability.kills import Place
from benchmarks.reliability.scene import HUNG, Done, Scene

HEAD = ["fault", "on", "times", "exit code", "what it says", "without it"]
FOR_EVER = 0


@dataclass(frozen=True)
class Order:
    """A fault, and how the command may end with it.

    Attributes:
        fault: What is ordered, as `odyssey sandbox` takes it.
        codes: The exit codes that are proper.
        says: A word that the error must have.
    """

    fault: Mapping[str, Any]
    codes: tuple[int, ...]
    says: str = ""


def throttled(on: str, times: int, codes: tuple[int, ...]) -> Order:
    """Return the order to refuse an operation so often because there are too many requests."""
    fault = {"kind": "error", "on": on, "code": "ThrottlingException", "times": times}
    return Order(fault, codes, "hrottl" if codes != (0,) else "")


def slowed(on: str, times: int, codes: tuple[int, ...]) -> Order:
    """Return the order to answer as S3 does that is asked too much."""
    fault = {"kind": "error", "on": on, "code": "SlowDown", "status": 503, "times": times}
    return Order(fault, codes, "SlowDown" if codes != (0,) else "")


def denied(on: str) -> Order:
    """Return the order to refuse an operation for want of a right."""
    fault = {"kind": "error", "on": on, "code": "AccessDeniedException", "status": 403, "times": 0}
    return Order(fault, (5,), "AccessDenied")


@dataclass(frozen=True)
class Tried:
    """What one fault came to: with it, and, where the command failed, the same without it."""

    order: Order
    done: Done
    again: Done | None


def faults(
    name: str, breaks: str, prepare: Callable[[Scene, str], Place], orders: Sequence[Order]
) -> Experiment:
    """Return the experiment that orders one fault after another and runs a command with each."""
    return Experiment(
        name,
        FAULTS,
        f"{breaks}: {len(orders)} faults, one by one",
        "what passes is waited for; what stays is a proper error with AWS's own word, after which "
        "the same command succeeds",
        lambda scene: kills_aws.account(scene),
        lambda scene, account: [
            _try(scene, account, prepare(scene, f"fault-{number}"), order)
            for number, order in enumerate(orders)
        ],
        lambda _scene, _account, tried: _observe(tried),
    )


def _try(scene: Scene, account: Any, place: Place, order: Order) -> Tried:
    account.order(**{"times": 1, **order.fault, "on": order.fault["on"].format(name=place.name)})
    try:
        done = scene.run(*place.words, cwd=place.cwd)
    finally:
        account.calm()
    again = scene.run(*place.words, cwd=place.cwd) if done.code else None
    return Tried(order, done, again)


def _observe(tried: Sequence[Tried]) -> Observed:
    seen = Observed({"faults": len(tried)}, [HEAD])
    for each in tried:
        fault, done, again = each.order.fault, each.done, each.again
        what = f"{fault['kind']} {fault.get('code', '')}".strip()
        times = str(fault.get("times", 1) or "always")
        said = done.said if done.code else "–"
        after = f"exit {again.code}" if again else "–"
        seen.table.append([what, fault["on"], times, str(done.code), said, after])
        where = f"{what} on {fault['on']}"
        if done.code == HUNG:
            seen.faults.append(f"{where}: it hangs")
        elif done.code not in each.order.codes:
            seen.faults.append(f"{where}: exit {done.code} instead of {each.order.codes}: {said}")
        if done.breaks_down:
            seen.faults.append(f"{where}: a traceback")
        if each.order.says not in done.err:
            seen.faults.append(f'{where}: the error does not say "{each.order.says}"')
        if again and again.code:
            seen.faults.append(f"{where}: without it: exit {again.code}, {again.said}")
    return seen


def _to_upload(scene: Scene, name: str) -> Place:
    prefix = f"s3://{kills_aws.MODELS}/{name}"
    return Place(scene.app(name), ("sagemaker", "upload", "model", "-m", prefix), name)


TRAINING = [
    throttled("sagemaker:CreateTrainingJob", 2, (0,)),
    throttled("sagemaker:CreateTrainingJob", FOR_EVER, (5,)),
    throttled("sagemaker:DescribeTrainingJob", 3, (0,)),
    throttled("logs:*", 6, (0,)),
    slowed("s3:PutObject", 2, (0,)),
    denied("sagemaker:CreateTrainingJob"),
    Order({"kind": "capacity", "on": "{name}*"}, (1,), "apacity"),
]

UPLOADS = [
    slowed("s3:PutObject", 3, (0,)),
    slowed("s3:PutObject", FOR_EVER, (5,)),
    denied("s3:PutObject"),
    Order(
        {"kind": "error", "on": "s3:*", "code": "ExpiredToken", "status": 400, "times": 0},
        (5,),
        "xpired",
    ),
    Order(
        {"kind": "error", "on": "s3:*", "code": "InternalError", "status": 500, "times": 2}, (0,)
    ),
]

DEPLOYMENTS = [
    throttled("cloudformation:DescribeStacks", 3, (0,)),
    throttled("cloudformation:CreateChangeSet", 2, (0,)),
    throttled("cloudformation:DescribeStackEvents", 5, (0,)),
    throttled("cloudformation:*", FOR_EVER, (1, 5)),
    Order({"kind": "cut", "on": "cloudformation:DescribeStacks", "bytes": 50}, (0, 1, 5)),
    denied("cloudformation:CreateChangeSet"),
    Order({"kind": "capacity", "on": "{name}"}, (1,)),
    Order({"kind": "unhealthy", "on": "{name}", "times": 0}, (1,), "ping"),
]

EXPERIMENTS = [
    faults("faults-train", "`odyssey sagemaker train`", kills_aws.to_train, TRAINING),
    faults("faults-upload", "`odyssey sagemaker upload`", _to_upload, UPLOADS),
    faults("faults-deploy", "`odyssey deploy --yes`", kills_aws.to_deploy, DEPLOYMENTS),
]
