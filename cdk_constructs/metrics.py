"""What CloudWatch knows of an endpoint.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from collections.abc import Sequence

REQUESTS = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"


def metric(
    namespace: str,
    name: str,
    endpoint_name: str,
    variant_name: str | None,
    *,
    statistic: str,
    period_seconds: int,
) -> cloudwatch.Metric:
    """Return a metric of an endpoint, or of one of its variants."""
    dimensions = {"EndpointName": endpoint_name}
    if variant_name is not None:
        dimensions["VariantName"] = variant_name
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=Duration.seconds(period_seconds),
    )


class EndpointMetrics:
    """The metrics of an endpoint. Latencies are in microseconds, as SageMaker publishes them.

    Each takes the name of a variant, which may be left out where there is only one, a statistic,
    and a period in seconds. An asynchronous endpoint has no invocations and no overhead latency,
    and only such an endpoint has a backlog.

    Attributes:
        endpoint_name: The endpoint's name.
        variant_names: Names of its variants, shadow variants last.
        asynchronous: Whether it queues its requests.
    """

    endpoint_name: str
    variant_names: Sequence[str]
    asynchronous: bool

    def metric_invocations(
        self, *, variant: str | None = None, statistic: str = "Sum", period_seconds: int = 60
    ) -> cloudwatch.Metric:
        """Return how many requests a variant got.

        Raises:
            ValueError: The endpoint is asynchronous, or the variant is not one of its variants.
        """
        return self._answered("Invocations", variant, statistic, period_seconds)

    def metric_invocations_per_instance(
        self, *, variant: str | None = None, statistic: str = "Sum", period_seconds: int = 60
    ) -> cloudwatch.Metric:
        """Return how many requests each instance of a variant got.

        Raises:
            ValueError: The endpoint is asynchronous, or the variant is not one of its variants.
        """
        return self._answered("InvocationsPerInstance", variant, statistic, period_seconds)

    def metric_4xx_errors(
        self, *, variant: str | None = None, statistic: str = "Sum", period_seconds: int = 60
    ) -> cloudwatch.Metric:
        """Return how many requests the model answered with a 4xx status.

        Raises:
            ValueError: The variant is not one of the endpoint's.
        """
        return self._of(REQUESTS, "Invocation4XXErrors", variant, statistic, period_seconds)

    def metric_5xx_errors(
        self, *, variant: str | None = None, statistic: str = "Sum", period_seconds: int = 60
    ) -> cloudwatch.Metric:
        """Return how many requests the model answered with a 5xx status.

        Raises:
            ValueError: The variant is not one of the endpoint's.
        """
        return self._of(REQUESTS, "Invocation5XXErrors", variant, statistic, period_seconds)

    def metric_model_latency(
        self, *, variant: str | None = None, statistic: str = "Average", period_seconds: int = 60
    ) -> cloudwatch.Metric:
        """Return how long the model took to answer, in microseconds.

        Raises:
            ValueError: The variant is not one of the endpoint's.
        """
        return self._of(REQUESTS, "ModelLatency", variant, statistic, period_seconds)

    def metric_overhead_latency(
        self, *, variant: str | None = None, statistic: str = "Average", period_seconds: int = 60
    ) -> cloudwatch.Metric:
        """Return how long SageMaker took beside the model, in microseconds.

        Raises:
            ValueError: The endpoint is asynchronous, or the variant is not one of its variants.
        """
        return self._answered("OverheadLatency", variant, statistic, period_seconds)

    def metric_cpu_utilization(
        self, *, variant: str | None = None, statistic: str = "Average", period_seconds: int = 60
    ) -> cloudwatch.Metric:
        """Return how busy an instance's processors are, up to 100 percent for each.

        With the statistic ``SampleCount`` and 60 seconds, it is the number of instances.

        Raises:
            ValueError: The variant is not one of the endpoint's.
        """
        return self._of(INSTANCES, "CPUUtilization", variant, statistic, period_seconds)

    def metric_backlog_per_instance(
        self, *, statistic: str = "Average", period_seconds: int = 60
    ) -> cloudwatch.Metric:
        """Return how many requests wait for each instance of an asynchronous endpoint.

        Raises:
            ValueError: The endpoint answers its requests at once.
        """
        name = "ApproximateBacklogSizePerInstance"
        if not self.asynchronous:
            raise ValueError(f"metric {name}: only an asynchronous endpoint publishes it")
        return metric(
            REQUESTS,
            name,
            self.endpoint_name,
            None,
            statistic=statistic,
            period_seconds=period_seconds,
        )

    def _answered(
        self, name: str, variant: str | None, statistic: str, period_seconds: int
    ) -> cloudwatch.Metric:
        if self.asynchronous:
            raise ValueError(f"metric {name}: an asynchronous endpoint never publishes it")
        return self._of(REQUESTS, name, variant, statistic, period_seconds)

    def _of(
        self, namespace: str, name: str, variant: str | None, statistic: str, period_seconds: int
    ) -> cloudwatch.Metric:
        return metric(
            namespace,
            name,
            self.endpoint_name,
            self._variant(variant),
            statistic=statistic,
            period_seconds=period_seconds,
        )

    def _variant(self, name: str | None) -> str:
        known = ", ".join(self.variant_names)
        if name is None:
            if len(self.variant_names) > 1:
                raise ValueError(f"metric without variant: must be one of {known}")
            return self.variant_names[0]
        if name not in self.variant_names:
            raise ValueError(f'metric of variant "{name}": must be one of {known}')
        return name
