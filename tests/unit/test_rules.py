"""What AWS would refuse at deployment is refused as a setting, with the key and the rule."""

from pathlib import Path

import pytest

from odyssey import config
from odyssey.errors import ConfigError
from odyssey.infra.agreement import notes, require_own_names

APP = '[app]\nname = "iris"\n'
GOOD = f"""
[aws]
account = "123456789012"
region = "us-gov-west-1"
qualifier = "hnb659fds"
permissions_boundary = "arn:aws:iam::123456789012:policy/team/bound"
tags = {{ "cost center" = "a/b:c@d+e=f_g-h.i" }}
[foundation]
repository = "team/iris-models"
bucket = "iris.models-1"
kms_key = "arn:aws-cn:kms:cn-north-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef"
[artifacts]
image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:{"0" * 64}"
model = "s3://iris-models/a/b-c/model.tar.gz"
[endpoint]
name = "Iris-live"
instance_type = "ml.p4d.24xlarge"
role = "arn:aws:iam::123456789012:role/service-role/Iris"
log_retention = 0
memory_mb = 6144
[function]
train_name = "Iris_train-1"
schedule = "cron(0 3 ? * MON *)"
[alarms]
topic = "arn:aws:sns:eu-west-1:123456789012:on-call.fifo"
[data_capture]
uri = "s3://iris-capture/requests"
[network]
subnets = ["subnet-01234567", "subnet-0123456789abcdef0"]
security_groups = ["sg-0123456789abcdef0"]
"""


def load(folder: Path, text: str, **more: object) -> config.Config:
    (folder / "odyssey.toml").write_text(APP + text)
    return config.load(folder, environ={}, **more)  # type: ignore[arg-type]


def test_what_aws_takes_is_taken(tmp_path: Path) -> None:
    load(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("table", "line", "rule"),
    [
        ("aws", 'account = "12345678901"', "must be twelve digits"),
        ("aws", 'region = "eu-west1"', "must be a region such as eu-west-1"),
        ("aws", 'qualifier = "ABC/D"', "must be 1 to 10 lower-case letters and digits"),
        ("aws", 'permissions_boundary = "a b/c!"', "must be the name of a policy, or its ARN"),
        ("aws", 'tags = { "aws:x" = "y" }', "must not have names that begin with"),
        ("aws", 'tags = { "odyssey:app" = "y" }', "must not have names that begin with"),
        ("aws", 'tags = { "" = "y" }', "must have names of 1 to 128"),
        ("aws", 'tags = { x = "<y>" }', "must have letters, digits"),
        ("foundation", 'repository = "Iris"', "must be lower-case letters"),
        ("foundation", 'bucket = "iris_models"', "must be 3 to 63 lower-case"),
        ("foundation", 'kms_key = "arn:aws:kms:eu-west-1:123456789012:alias/k"', "not of an alias"),
        ("artifacts", 'image = "iris:latest"', "a tag can move"),
        ("artifacts", 'model = "s3://iris-models/"', "must be s3://BUCKET/KEY.tar.gz"),
        ("artifacts", 'model = "s3://iris-models/model.zip"', "must be s3://BUCKET/KEY.tar.gz"),
        ("endpoint", 'name = "iris_live"', "must be 1 to 63 letters, digits and hyphens"),
        ("endpoint", 'instance_type = "m5.large"', "must be ml.FAMILY.SIZE"),
        ("endpoint", 'role = "my-role"', "must be the ARN of a role"),
        ("endpoint", 'role = "arn:aws:iam::123456789012:user/x"', "must be the ARN of a role"),
        ("endpoint", "log_retention = 31", "must be one of 0, 1, 3"),
        ("endpoint", "memory_mb = 3000", "must be in steps of 1024"),
        ("function", "memory_mb = 20000", "whole number from 128 to 10240"),
        ("function", "timeout = 2000", "whole number from 1 to 900"),
        ("function", "storage_mb = 100", "whole number from 512 to 10240"),
        ("function", 'serve_name = "iris.serve"', "must be 1 to 64 letters, digits, hyphens and"),
        ("function", 'train_name = "iris train"', "must be 1 to 64 letters, digits, hyphens and"),
        ("function", 'schedule = "daily"', "must be rate(VALUE UNIT), cron("),
        ("alarms", 'topic = "arn:aws:sqs:eu-west-1:123456789012:q"', "must be the ARN of an SNS"),
        ("data_capture", 'uri = "iris-capture/x"', "must be s3://BUCKET/PREFIX"),
        ("data_capture", 'uri = "s3://iris-capture"', "must be s3://BUCKET/PREFIX"),
        ("network", 'subnets = ["eu-west-1a"]', "must be ids such as subnet-0123456789abcdef0"),
        ("network", f"security_groups = {['sg-01234567'] * 6}", "must be at most 5"),
    ],
)
def test_what_aws_refuses_is_refused(tmp_path: Path, table: str, line: str, rule: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"[{table}]\n{line}\n")
    key = line.partition(" ")[0]
    assert caught.value.message.startswith(f"odyssey.toml: {table}.{key}: ")
    assert rule in caught.value.message


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        (
            '[endpoint]\nkind = "serverless"\ninstance_count = 2\n',
            "endpoint.instance_count",
            "has instances",
        ),
        ("[endpoint]\nmax_concurrency = 9\n", "endpoint.max_concurrency", "is serverless"),
        ("[scaling]\nmin_capacity = 2\n", "scaling.min_capacity", "max_capacity is set"),
        (
            "[scaling]\nmax_capacity = 2\nutilization = 0.5\n",
            "scaling.utilization",
            "is serverless",
        ),
        ("[rollout]\nwait = 60\n", "rollout.wait", "rollout.kind is gradual"),
        (
            '[rollout]\nkind = "rolling"\ntermination_wait = 60\n',
            "rollout.termination_wait",
            "not rolling",
        ),
        ('[data_capture]\nuri = "s3://iris-capture/x"\n', "data_capture.uri", "percent is set"),
        (
            "[async_inference]\nmax_concurrent = 2\n",
            "async_inference.max_concurrent",
            "kind is async",
        ),
        ("[function]\nmemory_mb = 2048\n", "function.memory_mb", "service names lambda"),
        ('[aws]\nqualifier = "ours"\n', "aws.qualifier", "bootstrap is true"),
        ('[alarms]\ntopic = "arn:aws:sns:eu-west-1:123456789012:t"\n', "alarms.topic", "an alarm"),
    ],
)
def test_a_setting_without_effect_is_noted(
    tmp_path: Path, text: str, path: str, words: str
) -> None:
    found = [note for note in notes(load(tmp_path, text)) if "no effect" in note]
    assert len(found) == 1
    assert found[0].startswith(f"{path} has no effect unless ")
    assert words in found[0]


def test_settings_with_an_effect_are_passed_over(tmp_path: Path) -> None:
    text = (
        '[artifacts]\nmodel = "none"\n'
        f'image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:{"0" * 64}"\n'
        "[scaling]\nmax_capacity = 2\ninvocations_per_instance = 9\n"
        '[rollout]\nkind = "canary"\nwait = 60\n'
    )
    assert list(notes(load(tmp_path, text))) == []


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ("sagemaker", "no model is recorded, so there is nothing to serve yet"),
        ("lambda", "no model is recorded, so there is no serve function yet"),
        ("sagemaker+lambda", "no model is recorded, so there is nothing to serve yet"),
    ],
)
def test_what_is_not_there_yet_is_noted(tmp_path: Path, service: str, words: str) -> None:
    image = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:{'0' * 64}"
    text = f'service = "{service}"\n[artifacts]\nimage = "{image}"\n'
    assert list(notes(load(tmp_path, text))) == [f"[artifacts]: {words}"]


class TestNamesOfEnvironments:
    def settings(self, folder: Path, text: str) -> list[config.Config]:
        return [load(folder, text), load(folder, text, env="prod")]

    @pytest.mark.parametrize(
        "line",
        [
            '[foundation]\nbucket = "iris-b"',
            '[foundation]\nrepository = "r1"',
            '[endpoint]\nname = "e"',
            '[function]\nserve_name = "f"',
        ],
    )
    def test_two_cannot_share_one(self, tmp_path: Path, line: str) -> None:
        text = f"{line}\n[env.prod.server]\nworkers = 2\n"
        with pytest.raises(ConfigError, match="is the name in 2 environments"):
            require_own_names(self.settings(tmp_path, text))

    def test_in_another_account_an_endpoint_may_have_the_same(self, tmp_path: Path) -> None:
        text = '[endpoint]\nname = "e"\n[env.prod.aws]\naccount = "123456789012"\n'
        require_own_names(self.settings(tmp_path, text))

    def test_two_functions_cannot_share_one(self, tmp_path: Path) -> None:
        text = 'service = "lambda"\n[function]\ntrain_name = "iris-serve"\n'
        with pytest.raises(ConfigError, match='"iris-serve" is the name of both'):
            require_own_names([load(tmp_path, text)])
