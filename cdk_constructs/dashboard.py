"""A CloudWatch dashboard of one endpoint.

Its body is written as one JSON document, as each widget and metric of the CDK's own would be
several calls to Node.

Source:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Aws, Stack

from cdk_constructs.metrics import INSTANCES, REQUESTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from constructs import Construct

_WIDTH, _HEIGHT, _IN_A_ROW = 12, 6, 2


def endpoint_dashboard(
    scope: Construct,
    construct_id: str,
    *,
    endpoint_name: str,
    variant_names: Sequence[str],
    asynchronous: bool = False,
    serverless: bool = False,
) -> cloudwatch.CfnDashboard:
    """Return a dashboard of requests, errors, latency and capacity.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        endpoint_name: The endpoint's name.
        variant_names: The names of its variants, drawn in one graph.
        asynchronous: Whether it queues its requests: then the backlog is drawn.
        serverless: Whether it has no instances: then their count and load are not drawn.
    """
    board = _Board(endpoint_name, variant_names)
    if asynchronous:
        graphs = board.backlog()
    else:
        graphs = [board.variants("Invocations", REQUESTS, {"Invocations": ["Sum"]})]
    graphs += [board.errors(), board.latency(overhead=not asynchronous)]
    graphs += board.concurrency() if serverless else board.instances()
    widgets = [_widget(place, graph) for place, graph in enumerate(graphs)]
    body = Stack.of(scope).to_json_string({"widgets": widgets})
    from aws_cdk import aws_cloudwatch as cloudwatch

    return cloudwatch.CfnDashboard(scope, construct_id, dashboard_body=body)


class _Board:
    """Draws graphs of one endpoint: a title and CloudWatch's lists of metrics."""

    def __init__(self, endpoint_name: str, variant_names: Sequence[str]) -> None:
        self._endpoint = ["EndpointName", endpoint_name]
        self._variants = variant_names

    def variants(
        self, title: str, namespace: str, statistics: dict[str, list[str]]
    ) -> tuple[str, list[Any]]:
        """Return a graph of metrics of every variant, each with its statistics."""
        lines = [
            [namespace, name, *self._endpoint, "VariantName", variant, {"stat": statistic}]
            for variant in self._variants
            for name, several in statistics.items()
            for statistic in several
        ]
        return title, lines

    def errors(self) -> tuple[str, list[Any]]:
        """Return a graph of the answers that are errors."""
        counted = {"Invocation4XXErrors": ["Sum"], "Invocation5XXErrors": ["Sum"]}
        return self.variants("Errors", REQUESTS, counted)

    def latency(self, *, overhead: bool) -> tuple[str, list[Any]]:
        """Return a graph of the time of the model, and of SageMaker's own where it tells."""
        names = ["ModelLatency", "OverheadLatency"] if overhead else ["ModelLatency"]
        measured = {name: ["p50", "p99"] for name in names}
        return self.variants("Latency (microseconds)", REQUESTS, measured)

    def instances(self) -> list[tuple[str, list[Any]]]:
        """Return graphs of the load of the instances, and of their number."""
        load = {"CPUUtilization": ["Average"], "MemoryUtilization": ["Average"]}
        # Each instance reports once a minute, so that the samples of a minute are the instances.
        count = {"CPUUtilization": ["SampleCount"]}
        return [
            self.variants("Load (percent)", INSTANCES, load),
            self.variants("Instances", INSTANCES, count),
        ]

    def concurrency(self) -> list[tuple[str, list[Any]]]:
        """Return a graph of how much of a serverless endpoint is in use."""
        used = {"ServerlessConcurrentExecutionsUtilization": ["Maximum"]}
        return [self.variants("Concurrency in use (share)", REQUESTS, used)]

    def backlog(self) -> list[tuple[str, list[Any]]]:
        """Return a graph of the requests that wait."""
        names = ("ApproximateBacklogSize", "ApproximateBacklogSizePerInstance")
        lines = [[REQUESTS, name, *self._endpoint, {"stat": "Average"}] for name in names]
        return [("Backlog", lines)]


def _widget(place: int, graph: tuple[str, list[Any]]) -> dict[str, Any]:
    title, lines = graph
    return {
        "type": "metric",
        "x": place % _IN_A_ROW * _WIDTH,
        "y": place // _IN_A_ROW * _HEIGHT,
        "width": _WIDTH,
        "height": _HEIGHT,
        "properties": {
            "title": title,
            "region": Aws.REGION,
            "period": 60,
            "view": "timeSeries",
            "metrics": lines,
        },
    }
