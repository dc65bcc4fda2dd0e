"""What deployments cost: floors, requests, runs, and what is not known."""

from dataclasses import replace
from pathlib import Path

import pytest

from odyssey import config
from odyssey.checks.template import Template, parse
from odyssey.review import bill, prices
from odyssey.review.cost import cost
from odyssey.review.money import dollars, signed
from odyssey.review.report import Cost, CostLine, Review

PRICES = prices.load(None, "us-east-1")


def of(text: str, region: str = "us-east-1") -> Cost:
    resources = "\n".join(f"  {line}" for line in text.strip().splitlines())
    template = Template("t.yaml", parse(f"Resources:\n{resources}\n", "t.yaml"), "stack")
    return cost([template], prices=prices.load(None, region))


def endpoint(variant: str, more: str = "") -> str:
    return f"""
E:
  Type: AWS::SageMaker::Endpoint
  Properties: {{EndpointName: live, EndpointConfigName: !GetAtt C.EndpointConfigName}}
C:
  Type: AWS::SageMaker::EndpointConfig
  Properties: {{ProductionVariants: [{{VariantName: A, ModelName: m, {variant}}}]}}
{more.strip()}"""


def scaled(low: object, high: object, resource: str = "!Sub 'endpoint/${E}/variant/A'") -> str:
    return f"""
S:
  Type: AWS::ApplicationAutoScaling::ScalableTarget
  Properties:
    MinCapacity: {low}
    MaxCapacity: {high}
    ResourceId: {resource}
    ScalableDimension: sagemaker:variant:DesiredInstanceCount"""


def test_an_endpoint_costs_its_instances_all_the_month() -> None:
    # when
    (line,) = of(endpoint("InstanceType: ml.m5.large, InitialInstanceCount: 2")).lines

    # then
    assert line.what == "2 x ml.m5.large, variant A"
    assert line.monthly == pytest.approx(2 * 0.115 * 730)
    assert line.basis == "730 hours x 2 x $0.115"


def test_one_that_scales_costs_the_fewest_and_tells_the_most() -> None:
    # when
    (line,) = of(endpoint("InstanceType: ml.m5.large, InitialInstanceCount: 3", scaled(2, 8))).lines

    # then
    assert line.what.startswith("2 to 8 x ml.m5.large")
    assert line.monthly == pytest.approx(2 * 0.115 * 730)
    assert "$671.60 with all 8" in line.basis


@pytest.mark.parametrize("named", ["endpoint/live/variant/A", "endpoint/other/variant/A"])
def test_scaling_belongs_to_the_endpoint_that_it_names(named: str) -> None:
    # when
    (line,) = of(endpoint("InstanceType: ml.m5.large", scaled(2, 8, named))).lines

    # then
    assert line.what.startswith("2 to 8" if "live" in named else "1 x")


def test_scaling_of_another_variant_is_not_that_of_this_one() -> None:
    other = scaled(2, 8, "!Sub 'endpoint/${E}/variant/AA'")
    (line,) = of(endpoint("InstanceType: ml.m5.large", other)).lines
    assert line.what.startswith("1 x")


def test_one_that_scales_to_none_costs_nothing_and_says_why() -> None:
    # when
    (line,) = of(endpoint("InstanceType: ml.m5.large", scaled(0, 4))).lines

    # then
    assert line.monthly == 0
    assert line.known
    assert "autoscaling leaves none" in line.basis


def test_a_type_without_a_price_is_unknown_and_never_nothing() -> None:
    # when
    found = of(endpoint("InstanceType: ml.c9z.large"))

    # then
    (line,) = found.unknown
    assert line.monthly is None
    assert found.monthly == 0
    assert "no price of ml.c9z.large" in line.basis


@pytest.mark.parametrize(
    "variant",
    [
        "InstanceType: !ImportValue type",
        "InstanceType: ml.m5.large, InitialInstanceCount: !ImportValue count",
        "ServerlessConfig: !ImportValue config",
        "ServerlessConfig: {MemorySizeInMB: !ImportValue memory, MaxConcurrency: 1}",
    ],
)
def test_what_only_a_deployment_knows_is_unknown(variant: str) -> None:
    (line,) = of(endpoint(variant)).lines
    assert (line.known, line.monthly) == (False, None)


def test_a_configuration_elsewhere_is_unknown() -> None:
    (line,) = of(
        "E: {Type: 'AWS::SageMaker::Endpoint', Properties: {EndpointConfigName: mine}}"
    ).lines
    assert not line.known


def test_a_volume_is_paid_for_each_instance() -> None:
    # when
    _, disk = of(
        endpoint("InstanceType: ml.m5.large, InitialInstanceCount: 2, VolumeSizeInGB: 50")
    ).lines

    # then
    assert disk.monthly == pytest.approx(100 * 0.14)


def test_serverless_costs_nothing_by_itself_and_tells_its_requests() -> None:
    # when
    (line,) = of(endpoint("ServerlessConfig: {MemorySizeInMB: 2048, MaxConcurrency: 5}")).lines

    # then
    assert (line.monthly, line.known) == (0, True)
    assert line.per_1000 == pytest.approx(1000 * 0.1 * 2 * 0.00002)
    assert "100 ms each, which is assumed; $2.40 where each takes 60 s" in line.basis


def test_serverless_that_is_kept_ready_has_no_floor_of_nothing() -> None:
    # given a file without the price of what is kept ready
    (line,) = of(
        endpoint(
            "ServerlessConfig: {MemorySizeInMB: 2048, MaxConcurrency: 5, ProvisionedConcurrency: 2}"
        )
    ).lines

    # then
    assert (line.monthly, line.known) == (None, False)
    assert line.per_1000 is not None


def test_a_function_costs_its_requests_and_tells_the_ceiling() -> None:
    # when
    (line,) = of(
        "F: {Type: 'AWS::Lambda::Function', Properties: {MemorySize: 2048, Timeout: 120}}"
    ).lines

    # then
    assert line.monthly == 0
    assert line.per_1000 == pytest.approx(1000 * (2e-7 + 0.1 * 2 * 1.66667e-5))
    assert "$4.00 where each takes 120 s" in line.basis


def test_arm_and_more_storage_have_prices_of_their_own() -> None:
    # when
    (line,) = of(
        "F: {Type: 'AWS::Lambda::Function', Properties: {MemorySize: 1024, Architectures: "
        "[arm64], EphemeralStorage: {Size: 1536}}}"
    ).lines

    # then
    assert line.per_1000 == pytest.approx(1000 * (2e-7 + 0.1 * (1.33334e-5 + 3.09e-8)))


def test_calls_that_are_kept_ready_are_paid_all_the_month() -> None:
    # when
    lines = of(
        """
F: {Type: 'AWS::Lambda::Function', Properties: {MemorySize: 1024}}
A:
  Type: AWS::Lambda::Alias
  Properties:
    FunctionName: !Ref F
    ProvisionedConcurrencyConfig: {ProvisionedConcurrentExecutions: 3}
B: {Type: 'AWS::Lambda::Alias', Properties: {FunctionName: !Ref F}}"""
    ).lines

    # then
    assert [line.resource for line in lines] == ["F", "A"]
    assert lines[1].monthly == pytest.approx(3 * 4.1667e-6 * 730 * 3600)


def test_what_has_one_price_a_month_has_it() -> None:
    # when
    lines = of(
        """
K: {Type: 'AWS::KMS::Key'}
D: {Type: 'AWS::CloudWatch::Dashboard'}
Seldom: {Type: 'AWS::CloudWatch::Alarm', Properties: {Period: 60}}
Often: {Type: 'AWS::CloudWatch::Alarm', Properties: {Period: 10}}
Three:
  Type: AWS::CloudWatch::Alarm
  Properties: {Metrics: [{MetricStat: {}}, {MetricStat: {}}, {Expression: a}]}
N: {Type: 'AWS::EC2::NatGateway'}
V:
  Type: AWS::EC2::VPCEndpoint
  Properties: {VpcEndpointType: Interface, SubnetIds: [a, b]}
G: {Type: 'AWS::EC2::VPCEndpoint', Properties: {VpcEndpointType: Gateway}}
S: {Type: 'AWS::SecretsManager::Secret'}"""
    ).lines

    # then
    assert {line.resource: line.monthly for line in lines} == {
        "K": 1,
        "D": 3,
        "Seldom": 0.1,
        "Often": 0.3,
        "Three": 0.2,
        "N": pytest.approx(0.045 * 730),
        "V": pytest.approx(2 * 0.01 * 730),
        "S": 0.4,
    }


def test_what_only_use_decides_tells_its_price_and_no_cost() -> None:
    (line,) = of("B: {Type: 'AWS::S3::Bucket'}").lines
    assert (line.monthly, line.known) == (None, True)
    assert line.basis == "by use: $0.023 for each gigabyte, each month"


def test_what_costs_by_the_hour_and_is_in_no_file_is_told_to_be_unknown() -> None:
    (line,) = of("N: {Type: 'AWS::SageMaker::NotebookInstance'}").lines
    assert not line.known


def test_in_a_region_without_prices_nothing_is_known() -> None:
    found = of(endpoint("InstanceType: ml.m5.large") + "\nK: {Type: 'AWS::KMS::Key'}", "xx-1")
    assert len(found.unknown) == len(found.lines) == 2


def test_a_training_job_has_a_ceiling(tmp_path: Path) -> None:
    # given
    (tmp_path / "odyssey.toml").write_text(
        '[app]\nname = "iris"\n[training]\nmax_runtime = 7200\ninstance_count = 2\nvolume_gb = 73\n'
    )
    settings = config.load(tmp_path, environ={})

    # when
    training, transform = cost([], settings=settings, prices=PRICES).lines

    # then
    assert training.once == pytest.approx(2 * 2 * (0.115 + 73 * 0.14 / 730))
    assert training.monthly is None
    assert transform.basis == "$0.115 for each hour that it takes"


def test_lines_are_paired_by_what_they_say() -> None:
    # given
    def line(what: str, monthly: float | None, known: bool = True) -> CostLine:
        return CostLine("s", "E", what, monthly, known=known)

    before = Cost((line("variant A", 10), line("variant B", 20)))
    after = Cost((line("variant B", 20), line("variant C", None, known=False)))

    # when
    changed, same = bill.rows(replace(Review("a", "b", "c"), before=before, after=after))

    # then
    assert changed.what == "variant A → variant C"
    assert changed.monthly == ("$10.00", "unknown", "unknown")
    assert same.monthly == ("$20.00", "$20.00", "")


def test_dollars_show_what_counts() -> None:
    told = [dollars(amount) for amount in (0, 0.1, 0.115, 2e-7, 1.66667e-5, 0.9999, 1234.5, -3)]
    assert told == [
        "$0",
        "$0.10",
        "$0.115",
        "$0.0000002",
        "$0.0000167",
        "$1.00",
        "$1,234.50",
        "-$3.00",
    ]
    assert [signed(amount) for amount in (1.5, -1.5, 1e-9)] == ["+$1.50", "-$1.50", "$0"]
