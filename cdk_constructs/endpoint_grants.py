"""What may be granted on an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_constructs.inference import AsyncInference


class EndpointGrants:
    """What may be granted on an endpoint.

    Args:
        endpoint_arn: The endpoint's ARN.
        actions: What invoking it takes.
        async_inference: Where its callers write requests and read results; default unknown.
    """

    def __init__(
        self,
        endpoint_arn: str,
        actions: Sequence[str],
        async_inference: AsyncInference | None = None,
    ) -> None:
        """Remember what the grants are about."""
        self._endpoint_arn = endpoint_arn
        self._actions = list(actions)
        self._async_inference = async_inference

    def invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody invoke this endpoint.

        A caller of an asynchronous endpoint may also write requests below its `input_prefix`, and
        read results and failures, with the keys. For an imported one these are not known: grant
        them on its bucket and its keys.

        Args:
            grantee: A role, a user, or what has one, such as a function.

        Raises:
            ValueError: It has no policy of its own, as a service has none. An endpoint has none
                either: grant it to the role that the service takes on.
        """
        grant = iam.Grant.add_to_principal(
            grantee=grantee, actions=self._actions, resource_arns=[self._endpoint_arn]
        )
        if not grant.success:
            raise ValueError(
                f"invoke granted to a {type(grantee).__name__}: must be a role, a "
                "user or what has one, as an endpoint has no policy of its own"
            )
        if self._async_inference is not None:
            self._async_inference.grant_caller(grantee)
        return grant
