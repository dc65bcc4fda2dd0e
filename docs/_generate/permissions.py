"""What AWS must allow: each command to whoever types it, each role to the service that has it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import odyssey
from _generate.markdown import (
    code,
    command_anchor,
    definitions,
    heading,
    link,
    page,
    prose,
)
from cdk_constructs import permissions
from cdk_constructs.command_actions import OWN
from odyssey.checks.template import read
from odyssey.review.permissions.statements import held
from odyssey.review.permissions.wording import Titles, sentence
from odyssey.review.side import Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from odyssey.review.permissions.statements import Held

GOLDEN = Path(odyssey.__file__).parents[1] / "tests" / "template" / "golden"
"""The templates of whole apps, which a test compares with what the constructs make."""

APP = "iris"

ROLES = (
    (
        "The role of jobs",
        "Training and batch transform jobs run as this role of the foundation. It reads data and "
        "models, writes models and answers, and pulls the one image.",
        "real-time/iris-foundation",
        "TrainingRole",
    ),
    (
        "The role of an endpoint",
        "The endpoint's containers run as this role. It reads the one model and pulls from the one "
        "repository.",
        "real-time/iris-endpoint",
        "EndpointModelRole",
    ),
    (
        "The role of an asynchronous endpoint",
        "It also reads the requests, writes the answers, and tells the topics.",
        "async/iris-endpoint",
        "EndpointModelRole",
    ),
    (
        "The role of an endpoint with everything",
        "With data capture, a VPC, keys of its own and a permissions boundary, as the app says "
        "under `[data_capture]`, `[network]`, `[foundation]` and `[aws]`.",
        "guarded/iris-endpoint",
        "EndpointModelRole",
    ),
    (
        "The role of the function that trains",
        "It reads the data and writes the model, and nothing else of S3.",
        "lambda/iris-function",
        "TrainRole",
    ),
    (
        "The role of the function that serves",
        "It reads the one model.",
        "lambda/iris-function",
        "ServeRole",
    ),
    (
        "The role of the schedule",
        "EventBridge Scheduler takes it on, to call the function that trains.",
        "lambda/iris-function",
        "ScheduleRole",
    ),
)
"""The roles that stacks have: title, meaning, template, and what its logical id begins with."""

_INTRODUCTION = """\
Two parties need rights: whoever types the commands, and the roles that the services take on.

**Whoever types** needs what the commands below need, and no more. `odyssey permissions diff deploy`
prints it as policies for an administrator to grant, with the app's names filled in; without a
command it is that of all. `[foundation] deployer_policy = true` makes it with the stacks, as a
[`DeployerPolicy`](#construct-deployerpolicy). What CloudFormation does on somebody's behalf is
granted only by way of CloudFormation, `aws:CalledVia`: whoever may deploy an endpoint cannot make
one by hand.

**Roles** are made by the stacks, grow from what they are bound to, and have no managed policy. Each
`*` among their resources is there because the action takes no resource, or because the service
chooses the name."""

_WARNING = """\
Who may deploy may give the app's roles any right, and so take any right: that is as good as
administering the account. A [permissions boundary](#aws-permissions-boundary) bounds it, if it
allows nothing of IAM, and if every role whose name begins with the app's has it. In a
[bootstrapped](#aws-bootstrap) account the roles of the bootstrap deploy, as an administrator unless
`cdk bootstrap` was told otherwise."""


def pages() -> dict[str, str]:
    """Return the page of permissions."""
    needing = [path for path in permissions.COMMANDS if OWN[path]]
    free = [path for path in permissions.COMMANDS if not OWN[path]]
    return {
        "permissions.md": page(
            heading(1, "Permissions", "permissions"),
            _INTRODUCTION,
            f":::{{warning}}\n{_WARNING}\n:::",
            heading(2, "Commands that need none"),
            "They ask AWS for nothing, or for nothing that needs a right: "
            + ", ".join(link(code(path), command_anchor(path)) for path in free)
            + ".",
            heading(2, "What each command needs", "permissions-of-commands"),
            f"For an app called `{APP}`, in any account and region: `{APP}-*` are the names of its "
            "stacks, its jobs, and of what CloudFormation names for it.",
            *(block for path in needing for block in _command(path)),
            heading(2, "What each role may do", "permissions-of-roles"),
            f"As the stacks of an app called `{APP}` have them. Whoever takes a role on is the "
            "first statement.",
            *(block for role in ROLES for block in _role(*role)),
        )
    }


def anchor(path: str) -> str:
    """Return the anchor of what a command needs: ``permits-docker-push``."""
    return f"permits-{path.replace(' ', '-')}"


def _command(path: str) -> Iterator[str]:
    document = permissions.policy([path], app=APP, account="*", region="*")
    yield heading(3, f"odyssey {path}", anchor(path))
    yield definitions(map(_granted, document["Statement"]))


def _granted(statement: dict[str, Any]) -> tuple[str, str]:
    """Return what a statement is about, and the actions that it allows there."""
    conditions = [
        f"{code(key)} is {code(value)}"
        for keys in statement.get("Condition", {}).values()
        for key, value in keys.items()
    ]
    where = f"on {_listed(_each(statement['Resource']))}"
    if conditions:
        where += f", if {' and '.join(conditions)}"
    return where, _listed(_each(statement["Action"]))


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(map(code, texts))


def _each(values: str | list[str]) -> Sequence[str]:
    return [values] if isinstance(values, str) else values


def _role(title: str, meaning: str, template: str, id_: str) -> Iterator[str]:
    side = _side(template)
    found = [each for each in held(side) if each.holder.startswith(id_)]
    yield heading(3, title)
    yield prose(meaning)
    yield definitions(_statement(each, side) for each in found)


@cache
def _side(template: str) -> Side:
    return Side(template, (read(GOLDEN / f"{template}.template.json"),))


def _statement(each: Held, side: Side) -> tuple[str, str]:
    """Return a statement in words, and as its template has it."""
    resources = side.resources.values()
    titles = Titles(
        {resource.id: _named(resource.id) for resource in resources},
        {resource.id: resource.type for resource in resources},
    )
    exact = _listed(each.texts("Action")) or _listed(each.texts("Managed"))
    if places := [titles.written(text) for text in each.texts("Resource")]:
        exact += f" on {_listed(places)}"
    return prose(sentence(each, titles)), exact


def _named(id_: str) -> str:
    """Return a logical id without the digits that the CDK puts behind it."""
    return re.sub(r"[0-9A-F]{8}$", "", id_)
