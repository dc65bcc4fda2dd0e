"""IAM: what each principal may do, and what was asked for."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT, ServiceError
from odyssey.sandbox.iam import actions, policies
from odyssey.sandbox.iam.account import Account
from odyssey.sandbox.iam.denials import denied, not_assumable
from odyssey.sandbox.iam.identities import INSIDE
from odyssey.sandbox.iam.policies import IDENTITY, RESOURCE, Asked, Decision, Held, Names, Policy
from odyssey.sandbox.iam.record import Record
from odyssey.sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.sandbox.calls import Call
    from odyssey.sandbox.iam.identities import Principal
    from odyssey.sandbox.iam.patterns import Context, Values

log = logging.getLogger("odyssey.sandbox")

NONE: Mapping[str, Values] = {}

_ASSUMING = ("sts:AssumeRole", "sts:TagSession")


class Guard:
    """Looks at each request before it is answered, and notes it.

    What AWS evaluates and this does not: policies of repositories and keys, those of an
    organization, the keys that encrypt single objects, and the tags of what is not SageMaker's.

    Args:
        enforce: Whether what no policy allows is refused.
        store: Where SageMaker's resources have their tags; default they have none.
    """

    def __init__(self, *, enforce: bool = False, store: Store | None = None) -> None:
        """Nothing was asked for yet."""
        self.enforce = enforce
        self.record = Record()
        self.account = Account(store or Store())

    @property
    def watches(self) -> bool:
        """Whether requests to moto's services matter too."""
        return self.enforce

    def check(self, call: Call) -> None:
        """Return if a request is allowed; if nothing is enforced, always.

        Raises:
            ServiceError: It is not.
        """
        if call.principal.access_key == INSIDE:
            return
        if self.enforce and call.action == "sts:AssumeRole" and call.parameters.get("PolicyArns"):
            raise ServiceError(
                "ValidationError", "the sandbox limits a session by its Policy, not by PolicyArns"
            )
        context = {"aws:requestedregion": call.region, **_of_headers(call.headers)}
        for asked in actions.needed(call, self.account):
            decision = self._noted(call.principal, asked, context)
            if self.enforce and not decision.allowed:
                raise denied(call.service, call.headers, call.principal, asked, decision)

    def check_unknown(self, principal: Principal) -> None:
        """Return if somebody may ask for what the sandbox cannot make out.

        Raises:
            ServiceError: Only the root may, where rights are enforced.
        """
        if self.enforce and not principal.is_root:
            message = f"{principal.arn} asks for what the sandbox cannot tell the rights for"
            raise ServiceError("AccessDenied", message, 403)

    def require(
        self,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, Values] = NONE,
    ) -> None:
        """Return if what is no request is allowed, as a pull of an image.

        Args:
            principal: Who does it.
            action: The action, such as ``ecr:BatchGetImage``.
            resource: The resource's ARN.
            context: What else is known, by condition keys.

        Raises:
            ServiceError: It is not, and that is enforced.
        """
        asked = Asked(action, resource)
        decision = self._noted(principal, asked, _lowered(context))
        if self.enforce and not decision.allowed:
            raise denied(action.partition(":")[0], {}, principal, asked, decision)

    def require_trust(self, role: str, service: str, context: Mapping[str, Values] = NONE) -> None:
        """Return if a role lets a service of AWS's take it on, as it must in any sandbox.

        Args:
            role: The role's ARN.
            service: The service's principal, such as ``sagemaker.amazonaws.com``.
            context: What else is known, by condition keys: ``aws:SourceArn`` is the ARN of what
                the service does it for. ``aws:SourceAccount`` is known.

        Raises:
            ServiceError: It does not, or is not there.
        """
        known = {"aws:sourceaccount": ACCOUNT, **_lowered(context)}
        asked = Asked("sts:AssumeRole", role, known)
        decision = self._decided(asked, Names(service), lambda: Held())
        self.record.note(service, asked, decision)
        if not decision.allowed:
            raise not_assumable(role, service)

    def report(self) -> dict[str, Any]:
        """Return what was asked for and what was never used, as JSON takes it.

        What no policy allows is ``denied`` where that is enforced, and else ``would_deny``.
        """
        refused = "denied" if self.enforce else "would_deny"
        told = self.record.report(self.account.holders(), refused=refused)
        return {"enforced": self.enforce, **told}

    def _noted(self, principal: Principal, asked: Asked, context: Context) -> Decision:
        if principal.is_root:
            decision = self._of_root(asked)
        else:
            whole = Asked(asked.action, asked.resource, self._known(principal, asked, context))
            names = Names(principal.arn, principal.role, ACCOUNT)
            decision = self._decided(whole, names, lambda: self.account.held(principal))
        self.record.note(principal.source, asked, decision)
        return decision

    def _of_root(self, asked: Asked) -> Decision:
        """Return that the root may do it, but for a role that is not there."""
        absent = asked.action in _ASSUMING and not self.account.has_role(asked.resource)
        return Decision(False, RESOURCE) if absent else Decision(True, IDENTITY)

    def _known(self, principal: Principal, asked: Asked, context: Context) -> Context:
        tags = self.account.resource_tags(asked.resource)
        return {
            **_of_principal(principal),
            "aws:userid": self.account.unique_id(principal),
            **_tags("aws:principaltag", self.account.tags(principal)),
            **_tags("aws:resourcetag", tags),
            **_tags("sagemaker:resourcetag", tags),
            **context,
            **asked.context,
        }

    def _decided(self, asked: Asked, names: Names, held: Callable[[], Held]) -> Decision:
        """Return what policies decide; one that cannot be understood allows nothing."""
        try:
            policy, must_be_named = self._of_resource(asked)
            return policies.decide(asked, names, held(), policy, must_be_named=must_be_named)
        except ValueError as error:
            log.warning("a policy about %s was not understood: %s", asked.action, error)
            return Decision(False, "", problem=str(error))

    def _of_resource(self, asked: Asked) -> tuple[Policy | None, bool]:
        """Return the policy of a resource, and whether it has to name who asks."""
        if asked.action in _ASSUMING:
            return self.account.trust(asked.resource) or Policy(()), True
        if asked.action.startswith("s3:"):
            # A key may have colons of its own.
            bucket = asked.resource.split(":", 5)[-1].partition("/")[0]
            return self.account.of_bucket(bucket), False
        if asked.action.startswith("lambda:Invoke"):
            return self.account.of_function(asked.resource), False
        return None, False


def _of_headers(headers: Mapping[str, str]) -> dict[str, Values]:
    agent = headers.get("user-agent")
    return {"aws:useragent": agent} if agent else {}


def _of_principal(principal: Principal) -> dict[str, Values]:
    """Return the condition keys that say who asks, when, and how.

    The loopback counts as secure transport: there is nobody on the way, and buckets that refuse
    everything else could not be used.
    """
    now = datetime.now(UTC)
    known: dict[str, Values] = {
        "aws:currenttime": now.isoformat(),
        "aws:epochtime": str(int(now.timestamp())),
        "aws:principalaccount": ACCOUNT,
        "aws:principalarn": principal.source,
        "aws:principalisawsservice": "false",
        "aws:principaltype": "AssumedRole" if principal.role else "User",
        "aws:resourceaccount": ACCOUNT,
        "aws:securetransport": "true",
        "aws:sourceip": "127.0.0.1",
        "aws:viaawsservice": "true" if principal.via else "false",
        "s3:tlsversion": "1.3",
    }
    if principal.user:
        known["aws:username"] = principal.user
    if principal.via:
        known["aws:calledvia"] = principal.via
        known["aws:calledviafirst"] = principal.via[0]
        known["aws:calledvialast"] = principal.via[-1]
    return known


def _tags(key: str, tags: Mapping[str, str]) -> dict[str, Values]:
    return {f"{key}/{name.lower()}": value for name, value in tags.items()}


def _lowered(context: Mapping[str, Values]) -> dict[str, Values]:
    return {key.lower(): value for key, value in context.items()}
