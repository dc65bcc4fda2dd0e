"""IAM's simulator: what policies would allow, asked for without doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT, Call, ServiceError, operation
from odyssey.sandbox.iam import conditions, policies
from odyssey.sandbox.iam.policies import Asked, Decision, Held, Names, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.sandbox.iam.patterns import Values
    from odyssey.sandbox.sandbox import Sandbox


class Simulation:
    """The operations of the simulator, which knows no more of a request than what it is told.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """Nothing is simulated yet."""
        self._account = sandbox.guard.account

    @operation("iam", "SimulatePrincipalPolicy")
    def of_principal(self, call: Call) -> dict[str, Any]:
        """Return what the policies of a role or a user allow, and further ones with them."""
        source = str(call.parameters["PolicySourceArn"])
        own = dict(self._account.holders()).get(source)
        if own is None:
            raise ServiceError("NoSuchEntity", f"The entity {source} cannot be found.", 404)
        more = _documents(call, "PolicyInputList")
        return _simulated(call, source, Held((*own.identity, *more), _boundary(call, own)))

    @operation("iam", "SimulateCustomPolicy")
    def of_documents(self, call: Call) -> dict[str, Any]:
        """Return what policies allow that the request says itself."""
        held = Held(_documents(call, "PolicyInputList"), _boundary(call, Held()))
        return _simulated(call, f"arn:aws:iam::{ACCOUNT}:user/simulated", held)


def _simulated(call: Call, source: str, held: Held) -> dict[str, Any]:
    said = call.parameters
    names = Names(str(said.get("CallerArn") or source), source, ACCOUNT)
    resource = next(iter(_documents(call, "ResourcePolicy")), None)
    context = _context(call)
    results = []
    for action in said["ActionNames"]:
        for arn in said.get("ResourceArns") or ["*"]:
            asked = Asked(str(action), str(arn), context)
            try:
                decision = policies.decide(asked, names, held, resource)
            except ValueError as error:
                raise _invalid(error) from error
            results.append(_told(asked, decision, sorted(_missing(held, asked))))
    return {"EvaluationResults": results, "IsTruncated": False}


def _context(call: Call) -> dict[str, Values]:
    context: dict[str, Values] = {}
    for entry in call.parameters.get("ContextEntries") or ():
        values = tuple(map(str, entry["ContextKeyValues"]))
        context[entry["ContextKeyName"].lower()] = values[0] if len(values) == 1 else values
    return context


def _told(asked: Asked, decision: Decision, missing: list[str]) -> dict[str, Any]:
    denied = "explicitDeny" if decision.statements else "implicitDeny"
    return {
        "EvalActionName": asked.action,
        "EvalResourceName": asked.resource,
        "EvalDecision": "allowed" if decision.allowed else denied,
        "MissingContextValues": missing,
    }


def _missing(held: Held, asked: Asked) -> Iterator[str]:
    """Return the condition keys on which the outcome depends, and which were not told."""
    whole = [*held.identity, *(policy for _, policy in held.limits())]
    found = {
        key
        for policy in whole
        for statement in policy.statements
        if statement.using(asked.action)
        for key in conditions.keys(statement.said.get("Condition", {}))
    }
    return (key for key in found if key.lower() not in asked.context)


def _boundary(call: Call, own: Held) -> Policy | None:
    said = _documents(call, "PermissionsBoundaryPolicyInputList")
    return said[0] if said else own.boundary


def _documents(call: Call, member: str) -> tuple[Policy, ...]:
    said = call.parameters.get(member) or []
    try:
        return tuple(map(policies.parsed, said if isinstance(said, list) else [said]))
    except ValueError as error:
        raise _invalid(error) from error


def _invalid(error: ValueError) -> ServiceError:
    return ServiceError("InvalidInput", str(error))
