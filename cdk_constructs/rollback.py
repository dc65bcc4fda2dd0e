"""The alarms of an endpoint, and which of them take an update back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cdk_constructs.alarms import EndpointAlarms
from cdk_constructs.endpoint import check_endpoint, is_serverless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from constructs import Construct

    from cdk_constructs.own_config import OwnConfig
    from cdk_constructs.rollouts import Rollout
    from cdk_constructs.validation import Problems


@dataclass(frozen=True)
class Rollback:
    """The arguments of a `ModelEndpoint` that are about rollouts and alarms."""

    rollout: Rollout | None
    alarms: EndpointAlarms | None
    others: Sequence[cloudwatch.IAlarm]

    @classmethod
    def of(
        cls,
        rollout: Rollout | None,
        alarms: EndpointAlarms | None,
        others: Sequence[cloudwatch.IAlarm],
    ) -> Self:
        """Return them, with the alarms that a rollout has by default."""
        if alarms is None and rollout is not None and rollout.shifts_traffic:
            alarms = EndpointAlarms()
        return cls(rollout, alarms, others)

    @property
    def is_automatic(self) -> bool:
        """Whether the endpoint's own alarms take an update back."""
        return self.rollout is not None and self.alarms is not None

    def check(self, problems: Problems, config: OwnConfig, endpoint_name: str | None) -> None:
        """Add what is wrong with them.

        Args:
            problems: Where it is added.
            config: What the endpoint runs.
            endpoint_name: The endpoint's name, or None where CloudFormation chooses it.
        """
        own = self.alarms.each * len(config.variants) if self.alarms and self.is_automatic else 0
        check_endpoint(
            problems,
            variants=config.every_variant,
            endpoint_name=endpoint_name,
            rollout=self.rollout,
            alarms=own + len(self.others),
        )
        if self.rollout and self.alarms and not is_serverless(config.variants):
            self.alarms.check_rollout(problems, self.rollout)
        if self.is_automatic and endpoint_name is None:
            problems.add(
                "rollout that alarms roll back without endpoint_name: they must name the endpoint "
                "before it is made"
            )

    def make_before(
        self, scope: Construct, endpoint_name: str | None, names: Sequence[str]
    ) -> list[cloudwatch.Alarm]:
        """Return the alarms that the endpoint refers to, so that they cannot refer to it."""
        if self.alarms is None or not self.is_automatic or endpoint_name is None:
            return []
        return self.alarms.bind(scope, endpoint_name, names)

    def make_after(
        self, scope: Construct, endpoint_name: str, names: Sequence[str]
    ) -> list[cloudwatch.Alarm]:
        """Return the alarms that only tell, and refer to the endpoint."""
        if self.alarms is None or self.is_automatic:
            return []
        return self.alarms.bind(scope, endpoint_name, names)
