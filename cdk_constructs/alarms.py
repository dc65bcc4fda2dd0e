"""Alarms on what an endpoint answers.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_constructs.metrics import REQUESTS, metric
from cdk_constructs.validation import Problems, is_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_sns as sns
    from constructs import Construct

    from cdk_constructs.rollouts import Rollout

_HOUR = 3600
_DAY = 24 * _HOUR


@dataclass(frozen=True, kw_only=True)
class EndpointAlarms:
    """Alarms for each variant of an endpoint. Without requests, none goes off.

    During an update they watch the old fleet together with the new one. An alarm that the old
    fleet sets off takes the repair back: deploy that with a rollout that no alarm watches.

    Args:
        errors_5xx: Answers with a 5xx status in one period that are too many, 1 or more, or None
            for no such alarm.
        model_latency_ms: Milliseconds that the slowest 1 percent of the answers may take, above
            0. Default: no such alarm.
        evaluation_periods: Periods in a row that are too bad, 1 or more.
        period_seconds: One period, in steps of 60 seconds.
        topic: Where an alarm is announced. Default: nowhere.

    Raises:
        ValueError: A value is out of its range, or there would be no alarm.

    Example:
        >>> EndpointAlarms(errors_5xx=5, model_latency_ms=250, topic=topic)
    """

    errors_5xx: int | None = 1
    model_latency_ms: float | None = None
    evaluation_periods: int = 1
    period_seconds: int = 60
    topic: sns.ITopic | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        problems = Problems("EndpointAlarms")
        if self.errors_5xx is None and self.model_latency_ms is None:
            problems.add("neither errors_5xx nor model_latency_ms: there would be no alarm")
        problems.whole("errors_5xx", self.errors_5xx, low=1)
        latency = self.model_latency_ms
        for name in ("model_latency_ms", "period_seconds"):
            if is_token(getattr(self, name)):
                problems.add(f"{name}: must be known at synthesis, where it is converted")
        if latency is not None and latency <= 0 and not is_token(latency):
            problems.add(f"model_latency_ms {latency}: must be above 0")
        problems.whole("evaluation_periods", self.evaluation_periods, low=1)
        problems.whole("period_seconds", self.period_seconds, low=60, high=_DAY, step=60)
        self._check_length(problems)
        problems.raise_any()

    def _check_length(self, problems: Problems) -> None:
        if is_token(self.evaluation_periods):
            return
        longest = _DAY if self.period_seconds < _HOUR else 7 * _DAY
        if self._seconds > longest:
            problems.add(f"periods of {self._seconds} seconds in all: must be at most {longest}")

    def check_rollout(self, problems: Problems, rollout: Rollout) -> None:
        """Add that no alarm could go off while a rollout watches them."""
        watched = rollout.watched_seconds
        if watched is None or is_token(self.evaluation_periods) or self._seconds <= watched:
            return
        problems.add(
            f"alarms that take {self._seconds} seconds to go off: the waits of rollout "
            f"{type(rollout).__name__}, {watched} seconds in all, must be as long"
        )

    @property
    def _seconds(self) -> int:
        return self.evaluation_periods * self.period_seconds

    @property
    def each(self) -> int:
        """How many alarms a variant gets."""
        return (self.errors_5xx is not None) + (self.model_latency_ms is not None)

    def bind(
        self, scope: Construct, endpoint_name: str, variant_names: Sequence[str]
    ) -> list[cloudwatch.Alarm]:
        """Return the alarms, as children ``Alarm5xx<variant>`` and ``AlarmLatency<variant>``.

        Args:
            scope: Where they are made.
            endpoint_name: The endpoint's name.
            variant_names: The names of the variants to watch.
        """
        alarms = []
        for variant in variant_names:
            if self.errors_5xx is not None:
                measured = self._metric("Invocation5XXErrors", "Sum", endpoint_name, variant)
                text = f"Variant {variant} answered too many requests with a 5xx status."
                alarms.append(
                    self._alarm(scope, f"Alarm5xx{variant}", measured, self.errors_5xx, text)
                )
            if self.model_latency_ms is not None:
                measured = self._metric("ModelLatency", "p99", endpoint_name, variant)
                text = f"The model of variant {variant} took too long to answer."
                # SageMaker publishes microseconds.
                limit = self.model_latency_ms * 1000
                alarms.append(self._alarm(scope, f"AlarmLatency{variant}", measured, limit, text))
        return alarms

    def _metric(
        self, name: str, statistic: str, endpoint_name: str, variant: str
    ) -> cloudwatch.Metric:
        return metric(
            REQUESTS,
            name,
            endpoint_name,
            variant,
            statistic=statistic,
            period_seconds=self.period_seconds,
        )

    def _alarm(
        self,
        scope: Construct,
        construct_id: str,
        measured: cloudwatch.Metric,
        limit: float,
        text: str,
    ) -> cloudwatch.Alarm:
        # Most endpoints have no alarm, and these take time to import.
        from aws_cdk import aws_cloudwatch as cloudwatch
        from aws_cdk import aws_cloudwatch_actions as actions

        alarm = cloudwatch.Alarm(
            scope,
            construct_id,
            metric=measured,
            threshold=limit,
            evaluation_periods=self.evaluation_periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=text,
        )
        if self.topic is not None:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
        return alarm
