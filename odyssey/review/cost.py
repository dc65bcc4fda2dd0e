"""What the resources of templates cost, as far as prices are known.

Three things are kept apart: what is paid each month even where nobody calls, what 1,000 requests
cost, and what one run of a job costs at most. An amount that only use decides, such as the
gigabytes in a bucket, is no cost of a deployment: its price is told. What is not known is told to
be unknown, never to be nothing. Free tiers, discounts and taxes are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from odyssey.review.endpoint_costs import endpoint
from odyssey.review.function_costs import function, held_ready
from odyssey.review.money import HOURS, dollars
from odyssey.review.report import Cost, CostLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from odyssey.checks.template import Resource, Template
    from odyssey.config import Config
    from odyssey.review.prices import PriceList
    from odyssey.sections import Training, Transform

UNPRICED = {
    "AWS::CloudWatch::CompositeAlarm": "a composite alarm",
    "AWS::EC2::Instance": "an instance",
    "AWS::EFS::FileSystem": "a file system",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "a load balancer",
    "AWS::FSx::FileSystem": "a file system",
    "AWS::RDS::DBInstance": "a database",
    "AWS::RDS::DBCluster": "a database",
    "AWS::SageMaker::Cluster": "a cluster",
    "AWS::SageMaker::NotebookInstance": "a notebook's instance",
    "AWS::SageMaker::InferenceComponent": "a part of an endpoint's instances",
}
"""What costs by the hour, and is in no file of prices: told to be unknown."""

Reckoned = Callable[["Resource", "PriceList"], "Iterator[CostLine]"]


def cost(
    templates: Iterable[Template], *, settings: Config | None = None, prices: PriceList
) -> Cost:
    """Return what the resources of templates cost.

    Args:
        templates: The templates of one side of a review.
        settings: The app's settings, for what runs outside of templates: training and batch
            transforms. None leaves these out.
        prices: The prices.
    """
    lines: list[CostLine] = []
    for template in templates:
        for resource in template.resources.values():
            if reckon := _RECKONED.get(resource.type):
                lines += reckon(resource, prices)
    if settings is not None and settings.app.on_sagemaker:
        lines.append(_training(settings.training, prices))
        lines.append(_transform(settings.transform, prices))
    return Cost(tuple(lines))


def _training(told: Training, prices: PriceList) -> CostLine:
    """Return the most that one training job costs."""
    what = f"a training job on {told.instance_count} x {told.instance_type}"
    price = prices.of("training", told.instance_type)
    disk = prices.of("sagemaker", "training_storage_gb_month")
    missing = told.instance_type if price is None else "the disk of a job" if disk is None else ""
    if price is None or disk is None:
        basis = f"no price of {missing} for training in {_where(prices)}"
        return CostLine("", "training", what, known=False, basis=basis)
    hours = told.max_runtime / 3600
    once = told.instance_count * hours * (price + told.volume_gb * disk / HOURS)
    basis = (
        f"at most: {hours:g} hours (max_runtime) x {told.instance_count} x {dollars(price)}, "
        f"and {told.volume_gb} GB of disk each"
    )
    if told.spot:
        basis += "; spare capacity costs less, and no more than this"
    return CostLine("", "training", what, once=once, basis=basis)


def _transform(told: Transform, prices: PriceList) -> CostLine:
    what = f"a batch transform on {told.instance_count} x {told.instance_type}"
    price = prices.of("transform", told.instance_type)
    if price is None:
        basis = f"no price of {told.instance_type} for batch transforms in {_where(prices)}"
        return CostLine("", "transform", what, known=False, basis=basis)
    basis = f"{dollars(price * told.instance_count)} for each hour that it takes"
    return CostLine("", "transform", what, basis=basis)


def _fixed(table: str, name: str, what: str, unit: str, hours: int = 1) -> Reckoned:
    """Return how something is reckoned that costs the same each month, each hour with `hours`."""

    def reckon(resource: Resource, prices: PriceList) -> Iterator[CostLine]:
        price = prices.of(table, name)
        if price is None:
            yield _unknown(resource, what, prices)
            return
        basis = f"{dollars(price)} {unit}"
        yield CostLine(
            resource.template.stack, resource.id, what, monthly=price * hours, basis=basis
        )

    return reckon


def _by_use(table: str, name: str, what: str, unit: str, times: int = 1) -> Reckoned:
    """Return how something is told whose cost only use decides."""

    def reckon(resource: Resource, prices: PriceList) -> Iterator[CostLine]:
        price = prices.of(table, name)
        if price is None:
            yield _unknown(resource, what, prices)
            return
        basis = f"by use: {dollars(price * times)} {unit}"
        yield CostLine(resource.template.stack, resource.id, what, basis=basis)

    return reckon


def _alarm(resource: Resource, prices: PriceList) -> Iterator[CostLine]:
    """Yield what an alarm costs: by the metrics that it looks at, and how often."""
    metrics = resource.get("Metrics")
    looked_at = (
        [each for each in metrics if isinstance(each, dict) and each.get("MetricStat") is not None]
        if isinstance(metrics, list)
        else [None]
    )
    period = resource.get("Period")
    often = isinstance(period, int) and period < 60
    name = "high_resolution_alarm_month" if often else "alarm_month"
    what = f"an alarm over {len(looked_at)} metrics" if len(looked_at) > 1 else "an alarm"
    price = prices.of("cloudwatch", name)
    if price is None:
        yield _unknown(resource, what, prices)
        return
    basis = f"{len(looked_at)} x {dollars(price)} a month"
    yield CostLine(resource.template.stack, resource.id, what, len(looked_at) * price, basis=basis)


def _interface(resource: Resource, prices: PriceList) -> Iterator[CostLine]:
    """Yield what an interface endpoint of a VPC costs; one of a gateway costs nothing."""
    kind = resource.get("VpcEndpointType")
    if kind is None or kind == "Gateway":
        return
    subnets = resource.raw("SubnetIds")
    price = prices.of("network", "interface_endpoint_hour")
    if price is None or kind != "Interface" or not isinstance(subnets, list):
        yield _unknown(resource, "an endpoint in a VPC", prices)
        return
    basis = f"{HOURS} hours x {len(subnets)} zones x {dollars(price)}; data comes on top"
    yield CostLine(
        resource.template.stack,
        resource.id,
        f"an interface endpoint in {len(subnets)} subnets",
        HOURS * len(subnets) * price,
        basis=basis,
    )


def _unpriced(resource: Resource, prices: PriceList) -> Iterator[CostLine]:
    yield _unknown(resource, UNPRICED[resource.type], prices)


def _unknown(resource: Resource, what: str, prices: PriceList) -> CostLine:
    basis = f"no price of {what} in {_where(prices)}"
    return CostLine(resource.template.stack, resource.id, what, known=False, basis=basis)


def _where(prices: PriceList) -> str:
    return f"{prices.facts.file} for {prices.facts.region or 'this region'}"


_GIGABYTE = "for each gigabyte, each month"
_RECKONED: dict[str, Reckoned] = {
    "AWS::SageMaker::Endpoint": endpoint,
    "AWS::Lambda::Function": function,
    "AWS::Lambda::Version": held_ready,
    "AWS::Lambda::Alias": held_ready,
    "AWS::KMS::Key": _fixed("kms", "key_month", "a key", "a month; its use comes on top"),
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": _fixed("cloudwatch", "dashboard_month", "a dashboard", "a month"),
    "AWS::ECR::Repository": _by_use("ecr", "storage_gb_month", "images", _GIGABYTE),
    "AWS::S3::Bucket": _by_use("s3", "storage_gb_month", "objects", _GIGABYTE),
    "AWS::Logs::LogGroup": _by_use("cloudwatch", "log_ingested_gb", "logs", "for each gigabyte"),
    "AWS::Scheduler::Schedule": _by_use(
        "scheduler", "invocation", "a schedule", "for a million calls", 1_000_000
    ),
    "AWS::EC2::NatGateway": _fixed(
        "network", "nat_gateway_hour", "a NAT gateway", "an hour; data comes on top", HOURS
    ),
    "AWS::EC2::VPCEndpoint": _interface,
    "AWS::SecretsManager::Secret": _fixed("secrets", "secret_month", "a secret", "a month"),
    **dict.fromkeys(UNPRICED, _unpriced),
}
