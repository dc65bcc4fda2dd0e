"""What CloudWatch knows of an endpoint.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, overload

from aws_cdk import Duration

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from aws_cdk import aws_cloudwatch as cloudwatch

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
    # Most endpoints are made without one, and this takes time to import.
    from aws_cdk import aws_cloudwatch as cloudwatch

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


class _MeasureVariant(Protocol):
    def __call__(
        self,
        *,
        variant: str | None = None,
        statistic: str | None = None,
        period_seconds: int = 60,
    ) -> cloudwatch.Metric: ...


class _VariantMetric:
    """A metric of one variant, as a method of its endpoint."""

    def __init__(
        self,
        name: str,
        statistic: str,
        meaning: str,
        *,
        namespace: str = REQUESTS,
        queued: bool = True,
    ) -> None:
        """Remember the metric; `queued` is whether asynchronous endpoints publish it."""
        self.name, self.statistic = name, statistic
        self.namespace, self.queued = namespace, queued
        self.__doc__ = meaning

    @overload
    def __get__(self, endpoint: None, owner: object) -> Self: ...

    @overload
    def __get__(self, endpoint: EndpointMetrics, owner: object) -> _MeasureVariant: ...

    def __get__(self, endpoint: EndpointMetrics | None, owner: object) -> Self | _MeasureVariant:
        """Return the method of an endpoint."""
        return self if endpoint is None else partial(self._of, endpoint)

    def _of(
        self,
        endpoint: EndpointMetrics,
        *,
        variant: str | None = None,
        statistic: str | None = None,
        period_seconds: int = 60,
    ) -> cloudwatch.Metric:
        if endpoint.asynchronous and not self.queued:
            raise ValueError(f"metric {self.name}: an asynchronous endpoint never publishes it")
        return metric(
            self.namespace,
            self.name,
            endpoint.endpoint_name,
            _known_variant(endpoint, variant),
            statistic=self.statistic if statistic is None else statistic,
            period_seconds=period_seconds,
        )


class EndpointMetrics:
    """The metrics of an endpoint. Latencies are in microseconds, as SageMaker publishes them.

    Each is a method that takes, by name, a `variant`, which may be left out where there is only
    one beside a shadow variant, a `statistic` in place of its own, and `period_seconds`, 60 by
    default. It raises a ``ValueError`` where the endpoint never publishes it: an asynchronous
    endpoint has no invocations and no overhead latency, and only such an endpoint has a backlog.

    Attributes:
        endpoint_name: The endpoint's name.
        variant_names: Names of its variants, shadow variants last.
        production_variant_names: Names of its variants without shadow variants.
        asynchronous: Whether it queues its requests.

    Example:
        >>> endpoint.metric_model_latency(statistic="p99", period_seconds=300)
    """

    endpoint_name: str
    variant_names: Sequence[str]
    production_variant_names: Sequence[str]
    asynchronous: bool

    metric_invocations = _VariantMetric(
        "Invocations", "Sum", "How many requests a variant got.", queued=False
    )
    metric_invocations_per_instance = _VariantMetric(
        "InvocationsPerInstance",
        "Sum",
        "How many requests each instance of a variant got.",
        queued=False,
    )
    metric_4xx_errors = _VariantMetric(
        "Invocation4XXErrors", "Sum", "How many requests were answered with a 4xx status."
    )
    metric_5xx_errors = _VariantMetric(
        "Invocation5XXErrors", "Sum", "How many requests were answered with a 5xx status."
    )
    metric_model_latency = _VariantMetric(
        "ModelLatency", "Average", "How long the model took to answer, in microseconds."
    )
    metric_overhead_latency = _VariantMetric(
        "OverheadLatency",
        "Average",
        "How long SageMaker took beside the model, in microseconds.",
        queued=False,
    )
    metric_cpu_utilization = _VariantMetric(
        "CPUUtilization",
        "Average",
        "Load of the processors, up to 100 percent for each; its SampleCount in 60 seconds is the "
        "number of instances.",
        namespace=INSTANCES,
    )
    metric_memory_utilization = _VariantMetric(
        "MemoryUtilization", "Average", "Memory in use, in percent.", namespace=INSTANCES
    )
    metric_disk_utilization = _VariantMetric(
        "DiskUtilization", "Average", "Storage in use, in percent.", namespace=INSTANCES
    )
    metric_gpu_utilization = _VariantMetric(
        "GPUUtilization",
        "Average",
        "Load of the GPUs, up to 100 percent for each.",
        namespace=INSTANCES,
    )
    metric_gpu_memory_utilization = _VariantMetric(
        "GPUMemoryUtilization",
        "Average",
        "Memory of the GPUs in use, up to 100 percent for each.",
        namespace=INSTANCES,
    )

    def metric_backlog(
        self, *, statistic: str = "Average", period_seconds: int = 60
    ) -> cloudwatch.Metric:
        """Return how many requests wait or are being answered, of an asynchronous endpoint.

        Raises:
            ValueError: The endpoint answers its requests at once.
        """
        return self._backlog("ApproximateBacklogSize", statistic, period_seconds)

    def metric_backlog_per_instance(
        self, *, statistic: str = "Average", period_seconds: int = 60
    ) -> cloudwatch.Metric:
        """Return how many there are for each instance of an asynchronous endpoint.

        Raises:
            ValueError: The endpoint answers its requests at once.
        """
        return self._backlog("ApproximateBacklogSizePerInstance", statistic, period_seconds)

    def _backlog(self, name: str, statistic: str, period_seconds: int) -> cloudwatch.Metric:
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


def _known_variant(endpoint: EndpointMetrics, name: str | None) -> str:
    if name is None:
        serving = endpoint.production_variant_names
        if len(serving) > 1:
            raise ValueError(f"metric without variant: must be one of {', '.join(serving)}")
        return serving[0]
    if name not in endpoint.variant_names:
        known = ", ".join(endpoint.variant_names)
        raise ValueError(f'metric of variant "{name}": must be one of {known}')
    return name
