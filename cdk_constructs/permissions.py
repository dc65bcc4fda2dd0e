"""What each command of an app may do in AWS, as the smallest policies that suffice.

An app's resources begin with its name, and so do the resources that a policy names. In a
bootstrapped account the roles of the bootstrap make them, and whoever deploys may take those on.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cdk_constructs.command_actions import ASSUME, BY_STACKS, MAKE_ROLES, OWN
from cdk_constructs.validation import Problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cdk_constructs.managed_resources import Condition, Statement

LIMIT = 6144
"""Characters of a managed policy, which has no whitespace here.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

_APP = r"[a-z][a-z0-9-]{0,29}[a-z0-9]"
_OWN_NAME = r"[A-Za-z0-9._/-]+"
_OWN_RULE = "must be letters, digits, dots, hyphens, underscores and slashes: it names one resource"
_KEPT = 24
"""Characters of a stack's name that are sure to stay in a name that CloudFormation makes of it."""

COMMANDS = tuple(OWN)
"""Every command that a policy can be made for."""


def policy(
    commands: Sequence[str],
    *,
    app: str,
    partition: str = "aws",
    region: str = "*",
    account: str = "*",
    bucket: str | None = None,
    repository: str | None = None,
    endpoint: str | None = None,
    train_function: str | None = None,
    serve_function: str | None = None,
    bootstrapped: bool = False,
    permissions_boundary: str | None = None,
) -> dict[str, Any]:
    """Return the policy of whoever runs some commands of an app.

    Who may deploy may give the app's roles any right, and so take any right: as good as
    administering. A boundary limits that to what it allows, if

    - it allows nothing of IAM, with which a role could change its own rights,
    - every role whose name begins with the app's has it, since deploying may use them all, and
    - the account is not bootstrapped: there the bootstrap's role makes what any stack asks for, as
      an administrator, unless ``cdk bootstrap`` was told otherwise.

    Managed policies may not be made or changed, neither this one nor a boundary: an administrator
    deploys the stack that has them, as that of a `DeployerPolicy`.

    Args:
        commands: The commands, of `COMMANDS`.
        app: The app's name, with which its stacks, jobs and endpoints begin.
        partition: The partition: ``aws``, ``aws-cn``, ``aws-us-gov``.
        region: The region; default all of them.
        account: The account; default any.
        bucket: The bucket of data and models; default the buckets that begin with the app's name.
        repository: The repository of images; default those that begin with the app's name.
        endpoint: The name of the endpoint; default those that begin with the app's.
        train_function: The name of the function that trains; default those that begin with the
            app's.
        serve_function: The name of the function that serves; default as `train_function`.
        bootstrapped: Whether the account is bootstrapped, so that the bootstrap's roles deploy.
        permissions_boundary: The ARN of the boundary that each role that is made must have. It
            has no effect when `bootstrapped`: give one to ``cdk bootstrap`` then.

    Raises:
        ValueError: There is no such command, or a name is none.

    Example:
        >>> policy(["sagemaker invoke"], app="churn", region="eu-west-1")["Version"]
        '2012-10-17'
    """
    _check(commands, app)
    _check_names(
        bucket=bucket,
        repository=repository,
        endpoint=endpoint,
        train_function=train_function,
        serve_function=serve_function,
    )
    made = f"{app}-*" if len(app) < _KEPT else f"{app[:_KEPT]}*"
    blanks = {
        "partition": partition,
        "region": region,
        "account": account,
        "app": app,
        "made": made,
        "bucket": made if bucket is None else bucket,
        "repository": app if repository is None else repository,
        "repositories": made if repository is None else repository,
        "endpoint": app if endpoint is None else endpoint,
        "endpoints": f"{app}-*" if endpoint is None else endpoint,
        **_functions(made, train=train_function, serve=serve_function),
    }
    chosen = _bounded(_statements(commands, bootstrapped), permissions_boundary)
    return _document(_merged(chosen, blanks))


def _functions(made: str, **names: str | None) -> dict[str, str]:
    """Return the names of functions, and of their versions and aliases."""
    functions = {part: name or made for part, name in names.items()}
    versions = {f"{part}_versions": f"{name}:*" if name else made for part, name in names.items()}
    return functions | versions


def policies(commands: Sequence[str], **options: Any) -> list[dict[str, Any]]:
    """Return what `policy` does, in as many documents as the limit of a managed policy takes.

    Args:
        commands: The commands, of `COMMANDS`.
        options: As for `policy`.

    Raises:
        ValueError: There is no such command, or a name is none.
    """
    documents: list[dict[str, Any]] = []
    for statement in policy(commands, **options)["Statement"]:
        more = _document([*(documents[-1]["Statement"] if documents else ()), statement])
        if documents and size(more) <= LIMIT:
            documents[-1] = more
        else:
            documents.append(_document([statement]))
    return documents


def size(document: dict[str, Any]) -> int:
    """Return the characters of a policy, as IAM counts them."""
    return len(json.dumps(document, separators=(",", ":")))


def _check(commands: Sequence[str], app: str) -> None:
    unknown = [command for command in commands if command not in OWN]
    if unknown:
        known = ", ".join(COMMANDS)
        raise ValueError(f"commands {', '.join(unknown)}: must be of {known}")
    if not re.fullmatch(_APP, app):
        raise ValueError(
            f'app "{app}": must be 2 to 31 lower-case letters, digits and hyphens, a letter first'
        )


def _check_names(**names: str | None) -> None:
    problems = Problems("permissions")
    for argument, name in names.items():
        problems.matches(argument, name, _OWN_NAME, _OWN_RULE)
    problems.raise_any()


def _statements(commands: Sequence[str], bootstrapped: bool) -> Iterator[Statement]:
    for command in commands:
        yield from OWN[command]
        if bootstrapped and command in BY_STACKS:
            yield ASSUME
        elif command in BY_STACKS:
            yield from BY_STACKS[command]


def _bounded(statements: Iterable[Statement], boundary: str | None) -> Iterator[Statement]:
    for statement in statements:
        if boundary is not None and statement == MAKE_ROLES:
            condition = ("StringEquals", "iam:PermissionsBoundary", boundary)
            yield replace(statement, conditions=(*statement.conditions, condition))
        else:
            yield statement


def _merged(statements: Iterable[Statement], blanks: dict[str, str]) -> list[dict[str, Any]]:
    """Return as few statements as say the same.

    What is under the same conditions is joined: actions on the same resources, and then resources
    of the same actions.
    """
    actions: dict[tuple[frozenset[str], tuple[Condition, ...]], set[str]] = {}
    for statement in statements:
        filled = frozenset(arn.format(**blanks) for arn in statement.resources)
        actions.setdefault((filled, statement.conditions), set()).update(statement.actions)
    resources: dict[tuple[frozenset[str], tuple[Condition, ...]], set[str]] = {}
    for (filled, conditions), names in actions.items():
        resources.setdefault((frozenset(names), conditions), set()).update(filled)
    merged = [
        _rendered(sorted(names), sorted(filled), conditions)
        for (names, conditions), filled in resources.items()
    ]
    return sorted(merged, key=lambda statement: json.dumps(statement, sort_keys=True))


def _rendered(
    actions: list[str], resources: list[str], conditions: tuple[Condition, ...]
) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": _one_or_all(actions),
        "Resource": _one_or_all(resources),
    }
    for operator, key, value in conditions:
        statement.setdefault("Condition", {}).setdefault(operator, {})[key] = value
    return statement


def _one_or_all(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}
