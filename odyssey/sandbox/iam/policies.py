"""IAM's policies: what they say, and whether together they allow something.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.iam import conditions, patterns

if TYPE_CHECKING:
    import re
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from odyssey.sandbox.iam.patterns import Context

IDENTITY = "identity-based policy"
BOUNDARY = "permissions boundary"
SESSION = "session policy"
RESOURCE = "resource-based policy"


@dataclass(frozen=True)
class Asked:
    """What is to be allowed.

    Args:
        action: The action, such as ``sagemaker:CreateModel``.
        resource: The resource's ARN, or ``*`` for an action that takes none.
        context: What else is known, by condition keys in lower case.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)


class Named(IntEnum):
    """How a policy of a resource names whoever asks."""

    NOT = 0
    BY_ACCOUNT = 1
    """The account is: what its identity-based policies say decides."""
    BY_ROLE = 2
    """Its role is, or everybody: a boundary and a session's policy still limit it."""
    ITSELF = 3
    """A user, a session or a service is: nothing but a denial stands in its way."""


@dataclass(frozen=True)
class Names:
    """By which names the ``Principal`` of a statement may mean whoever asks.

    Args:
        itself: The ARN of the user or of the session, or the name of a service of AWS's.
        role: The ARN of a session's role.
        account: The account's number; empty for a service.
    """

    itself: str
    role: str | None = None
    account: str = ""

    def named(self, principal: Any) -> Named:
        """Return how the ``Principal`` of a statement names it."""
        if not isinstance(principal, dict):
            return self._named(str(principal))
        listed = [each for kind in ("AWS", "Service") for each in _listed(principal.get(kind, []))]
        return max((self._named(str(each)) for each in listed), default=Named.NOT)

    def _named(self, name: str) -> Named:
        if name == self.itself:
            return Named.ITSELF
        if name == "*" or name == self.role:
            return Named.BY_ROLE
        of_account = name == self.account or name.endswith(f":{self.account}:root")
        return Named.BY_ACCOUNT if self.account and of_account else Named.NOT


@dataclass(frozen=True, eq=False)
class Statement:
    """One statement of a policy.

    Args:
        said: The statement as it is written.

    Raises:
        ValueError: It neither allows nor denies, or names principals in a way that the sandbox
            does not know.
    """

    said: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse what would be misunderstood."""
        if not isinstance(self.said, dict) or self.said.get("Effect") not in ("Allow", "Deny"):
            raise ValueError("a statement is a JSON object, whose Effect is Allow or Deny")
        if "NotPrincipal" in self.said:
            raise ValueError("the sandbox does not know NotPrincipal")
        block = self.said.get("Condition", {})
        if not isinstance(block, dict) or not all(
            isinstance(keys, dict) for keys in block.values()
        ):
            raise ValueError("a Condition has operators, each with keys and values")
        if not all(isinstance(each, str) for each in (*self.actions, *self.resources)):
            raise ValueError("actions and resources are texts")

    @cached_property
    def text(self) -> str:
        """Return the statement as one text, by which it can be told from others."""
        return json.dumps(self.said, sort_keys=True)

    @cached_property
    def denies(self) -> bool:
        """Return whether it denies."""
        return bool(self.said["Effect"] == "Deny")

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """Return its patterns of actions, allowed or, with ``NotAction``, left out."""
        return tuple(_listed(self.said.get("Action", self.said.get("NotAction", []))))

    @cached_property
    def _acting(self) -> re.Pattern[str]:
        # A policy may name hundreds of actions, and is looked through at every request.
        return patterns.joined(pattern.lower() for pattern in self.actions)

    @cached_property
    def resources(self) -> tuple[str, ...]:
        """Return its patterns of resources; a role's trust policy has none, and means the role."""
        return tuple(_listed(self.said.get("Resource", self.said.get("NotResource", "*"))))

    def using(self, action: str) -> list[str]:
        """Return those of its patterns of actions that an action is like."""
        wanted = action.lower()
        return [each for each in self.actions if patterns.like(each.lower(), wanted, {})]

    def applies(self, asked: Asked) -> bool:
        """Return whether it says something about what is asked.

        Raises:
            ValueError: A condition has an operator that is not known.
        """
        acts = self._acting.fullmatch(asked.action.lower()) is not None
        if acts == ("NotAction" in self.said):
            return False
        meant = any(patterns.like(each, asked.resource, asked.context) for each in self.resources)
        if meant == ("NotResource" in self.said):
            return False
        return conditions.hold(self.said.get("Condition", {}), asked.context)


@dataclass(frozen=True, eq=False)
class Policy:
    """A policy.

    Args:
        statements: Its statements.
    """

    statements: tuple[Statement, ...]

    def denials(self, asked: Asked, names: Names) -> Iterator[Statement]:
        """Return the statements that deny something."""
        return (each for each in self.statements if each.denies and _says(each, asked, names))

    def grants(self, asked: Asked, names: Names) -> Iterator[Statement]:
        """Return the statements that allow something, to whomever they name."""
        return (each for each in self.statements if not each.denies and _says(each, asked, names))


@dataclass(frozen=True)
class Held:
    """The policies of a principal.

    Args:
        identity: What its user or role has, and the groups of the user.
        boundary: The permissions boundary: the most that it may do.
        session: The policy that the session was limited with.
    """

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: Policy | None = None

    def limits(self) -> Iterator[tuple[str, Policy]]:
        """Return what limits the identity-based policies."""
        if self.boundary is not None:
            yield BOUNDARY, self.boundary
        if self.session is not None:
            yield SESSION, self.session


@dataclass(frozen=True)
class Decision:
    """Whether something is allowed, and which policies say so.

    Args:
        allowed: Whether it is.
        kind: The kind of the policies that allow it, deny it or, as all do, say nothing of it.
        statements: The statements that decide; none where nothing was said.
        problem: What was not understood of the policies, if so.
    """

    allowed: bool
    kind: str
    statements: tuple[Statement, ...] = ()
    problem: str | None = None


@lru_cache(maxsize=2048)
def parsed(document: str) -> Policy:
    """Return the policy that a JSON document holds.

    Args:
        document: The document.

    Raises:
        ValueError: It is none.
    """
    return policy(json.loads(document))


def policy(document: Mapping[str, Any]) -> Policy:
    """Return the policy that a document holds.

    Args:
        document: The document.

    Raises:
        ValueError: It is no policy, or one that the sandbox does not know.
    """
    if not isinstance(document, dict):
        raise ValueError("a policy is a JSON object")
    return Policy(tuple(Statement(said) for said in _listed(document.get("Statement", []))))


def decide(
    asked: Asked,
    names: Names,
    held: Held,
    resource: Policy | None = None,
    *,
    must_be_named: bool = False,
) -> Decision:
    """Return whether policies allow something: a denial decides, then what allows it.

    Args:
        asked: What is to be allowed.
        names: Who asks.
        held: The policies of who asks.
        resource: The policy of the resource; default it has none.
        must_be_named: Whether the resource's policy has to name who asks, as a role's does.

    Raises:
        ValueError: A condition has an operator that is not known.
    """
    whole = [(IDENTITY, each) for each in held.identity] + list(held.limits())
    if resource is not None:
        whole.append((RESOURCE, resource))
    for kind, each in whole:
        if denials := tuple(each.denials(asked, names)):
            return Decision(False, kind, denials)
    invited = tuple(resource.grants(asked, names)) if resource is not None else ()
    named = max(
        (names.named(each.said.get("Principal", {})) for each in invited), default=Named.NOT
    )
    if must_be_named and not named:
        return Decision(False, RESOURCE)
    if named is Named.ITSELF:
        return Decision(True, RESOURCE, invited)
    granted = tuple(_all_grants(held.identity, asked, names))
    if not granted and named is not Named.BY_ROLE:
        return Decision(False, IDENTITY)
    for kind, limit in held.limits():
        if not any(limit.grants(asked, names)):
            return Decision(False, kind)
    return Decision(True, IDENTITY if granted else RESOURCE, granted or invited)


def _all_grants(held: Iterable[Policy], asked: Asked, names: Names) -> Iterator[Statement]:
    # All of them, and not the first alone: what was used is told from what never was.
    return (statement for each in held for statement in each.grants(asked, names))


def _says(statement: Statement, asked: Asked, names: Names) -> bool:
    principal = statement.said.get("Principal")
    if principal is not None and not names.named(principal):
        return False
    return statement.applies(asked)


def _listed(values: Any) -> Collection[Any]:
    return values if isinstance(values, list) else [values]
