"""Rules of ``odyssey.toml``: what each finds, and in which line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from odyssey import config
from odyssey.checks import running
from odyssey.checks.findings import Finding, Severity
from odyssey.checks.subjects import Subjects

DIGEST = "sha256:" + "a1" * 32
SERVERLESS = '[endpoint]\nkind = "serverless"\n'
EU = '[aws]\nregion = "eu-west-1"\n[artifacts]\n'
NETWORK = 'subnets = ["subnet-0a1b2c3d"]\nsecurity_groups = ["sg-0a1b2c3d"]\n'


def found(folder: Path, text: str, *, env: str | None = None, **app: str) -> list[Finding]:
    """What the rules say of settings, in a file whose first two lines are the app."""
    service = app.get("service", "sagemaker")
    toml = f'[app]\nname = "iris"\nservice = "{service}"\n{text}'
    (folder / "odyssey.toml").write_text(toml)
    settings = config.load(folder, env=env, environ={})
    return list(running.findings(Subjects(settings=settings)))


def test_the_settings_of_a_new_app_are_fine(tmp_path: Path) -> None:
    for service in ("sagemaker", "lambda", "sagemaker+lambda"):
        assert found(tmp_path, "", service=service) == []


CASES = [
    ("APP101", f"{SERVERLESS}[data_capture]\npercent = 5\n", "data_capture.percent", 7),
    ("APP101", f"{SERVERLESS}[network]\n{NETWORK}", "network.subnets", 7),
    ("APP101", f'{SERVERLESS}[docker]\nplatform = "linux/arm64"\n', "docker.platform", 7),
    (
        "APP102",
        f'{EU}image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/iris@{DIGEST}"\n',
        "artifacts.image",
        7,
    ),
    (
        "APP103",
        f'{EU}model = "s3://sagemaker-us-east-1-123456789012/model.tar.gz"\n',
        "artifacts.model",
        7,
    ),
    (
        "APP104",
        '[training]\nenvironment = { HF_TOKEN = "abcdefghijkl" }\n',
        "training.environment.HF_TOKEN",
        5,
    ),
    (
        "APP105",
        "[training]\nspot = true\nmax_wait = 60\n",
        "training.max_wait",
        6,
    ),
    (
        "APP106",
        "[transform]\nmax_payload = 50\nmax_concurrent = 3\n",
        "transform.max_concurrent",
        6,
    ),
    ("APP108", '[transform]\ninstance_type = "ml.t3.medium"\n', "transform.instance_type", 5),
    ("APP108", '[training]\ninstance_type = "ml.m6g.large"\n', "training.instance_type", 5),
    (
        "APP110",
        '[endpoint]\ninstance_type = "ml.t2.medium"\n[scaling]\nmax_capacity = 2\n',
        "endpoint.instance_type",
        5,
    ),
    (
        "APP110",
        "[scaling]\nmax_capacity = 2\nmin_capacity = 3\n",
        "scaling.min_capacity",
        6,
    ),
    ("APP111", "[server]\ntimeout = 61\n", "server.timeout", 5),
    (
        "APP112",
        "[server]\nmax_payload_mb = 8\n[transform]\nmax_payload = 9\n",
        "server.max_payload_mb",
        5,
    ),
    (
        "APP112",
        "[server]\nmax_payload_mb = 4\n[transform]\nmax_payload = 1\n",
        "server.max_payload_mb",
        5,
    ),
    (
        "APP113",
        f'[training.environment]\nLONG = "{"x" * 513}"\n',
        "training.environment.LONG",
        5,
    ),
    ("APP114", '[check.ignore]\nSM201 = ""\n', "check.ignore.SM201", 5),
    ("APP115", '[check.ignore]\nSM2001 = "why"\n', "check.ignore.SM2001", 5),
]


@pytest.mark.parametrize(("rule", "text", "path", "line"), CASES)
def test_a_fault_is_found_in_its_line(
    tmp_path: Path, rule: str, text: str, path: str, line: int
) -> None:
    (only,) = found(tmp_path, text)

    assert (only.rule, only.place.dotted, only.place.line) == (rule, path, line)
    assert only.place.file.endswith("odyssey.toml")


REPAIRED = [
    f"{SERVERLESS}[training]\nnetwork_isolation = true\n",
    f'{EU}image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@{DIGEST}"\n',
    f'{EU}model = "s3://sagemaker-eu-west-1-123456789012/model.tar.gz"\n',
    f'{EU}model = "s3://my-us-east-models/model.tar.gz"\n',
    '[training]\nenvironment = { HF_TOKEN = "arn:aws:secretsmanager:eu-west-1:1:secret:a" }\n',
    "[training]\nspot = true\nmax_wait = 86400\n",
    "[training]\nspot = true\n",
    "[training]\nmax_wait = 60\n",
    "[transform]\nmax_payload = 50\nmax_concurrent = 2\n",
    '[endpoint]\ninstance_type = "ml.t2.medium"\n',
    '[endpoint]\nkind = "async"\n[server]\ntimeout = 900\n',
    f'[training.environment]\nLONG = "{"x" * 512}"\n',
    '[check.ignore]\nSM201 = "why"\nE3012 = "why"\n',
]


@pytest.mark.parametrize("text", REPAIRED)
def test_what_is_right_has_no_finding(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


def test_a_function_needs_nothing_of_what_is_said_for_sagemaker(tmp_path: Path) -> None:
    text = "[training]\nspot = true\nmax_wait = 1\n[server]\ntimeout = 300\n"
    assert found(tmp_path, text, service="lambda") == []


def test_the_secret_itself_is_in_no_report(tmp_path: Path) -> None:
    text = '[function.environment]\nDB_PASSWORD = "correct-horse"\n'
    (only,) = found(tmp_path, text, service="lambda")

    assert only.rule == "APP104"
    assert "correct-horse" not in repr(only)


def test_one_image_for_two_processors_is_found(tmp_path: Path) -> None:
    text = '[function]\narchitecture = "arm64"\n'
    (only,) = found(tmp_path, text, service="sagemaker+lambda")

    assert (only.rule, only.severity) == ("APP109", Severity.ERROR)
    assert found(tmp_path, text, service="lambda") == []


def test_the_line_is_that_of_the_environment_s_own_table(tmp_path: Path) -> None:
    text = "[server]\ntimeout = 50\n\n[env.prod.server]\nthreads = 2\ntimeout = 90\n"

    assert found(tmp_path, text) == []
    (only,) = found(tmp_path, text, env="prod")
    assert only.place.line == 9


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({str(n): "1" for n in range(101)}, 101),
        ({"a": "x" * 2501}, "x" * 37 + "..."),
        ({"k" * 257: "1"}, "k" * 37 + "..."),
    ],
)
def test_hyperparameters_over_a_limit_are_found(
    tmp_path: Path, given: dict[str, str], seen: object
) -> None:
    file = tmp_path / "input/config/hyperparameters.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(given))

    (only,) = found(tmp_path, "")

    assert (only.rule, only.value) == ("APP107", seen)
    assert only.place.file.endswith("input/config/hyperparameters.json")


def test_hyperparameters_at_the_limits_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "input/config/hyperparameters.json"
    file.parent.mkdir(parents=True)
    given = {str(n): "1" for n in range(99)} | {"k" * 256: "x" * 2500}
    file.write_text(json.dumps(given))

    assert found(tmp_path, "") == []
