"""`odyssey synth`, `diff`, `deploy` and `destroy` as they are typed, without an AWS to reach."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from odyssey import aws
from odyssey.scaffold import bake
from tests.functional.conftest import Done

Run = Callable[..., Done]


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app whose foundation, and that of its environment, can be synthesized."""
    app = bake("testapp", "sagemaker", tmp_path_factory.mktemp("stacks"))
    with (app / "odyssey.toml").open("a") as settings:
        settings.write("\n[env.prod.server]\nworkers = 2\n")
    return app


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials and no region from outside."""
    for name in (*aws.KEYS, "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def template(app: Path, stack: str = "testapp-foundation") -> Path:
    return app / "cdk.out" / f"{stack}.template.json"


def test_synth_lists_the_stacks_of_the_environment(odyssey: Run, stacks: Path) -> None:
    # when
    base, prod = odyssey("synth", at=stacks), odyssey("synth", "--env", "prod", at=stacks)
    # then
    assert (base.code, prod.code) == (0, 0)
    heading, row = base.out.splitlines()
    assert heading.split() == ["stack", "resources", "template"]
    count = len(json.loads(template(stacks).read_bytes())["Resources"])
    assert row.split() == ["testapp-foundation", str(count), str(template(stacks))]
    assert [line.split()[0] for line in prod.out.splitlines()] == [
        "stack",
        "testapp-prod-foundation",
    ]


def test_synth_prints_a_template_byte_for_byte(odyssey: Run, stacks: Path) -> None:
    printed = odyssey("synth", "foundation", "--print", at=stacks)
    assert printed.out.encode() == template(stacks).read_bytes()


def test_synth_gives_templates_as_one_document(odyssey: Run, stacks: Path) -> None:
    (one,) = odyssey("synth", "--print", "--output", "json", at=stacks).document["stacks"]
    assert one["body"] == json.loads(template(stacks).read_bytes())
    (short,) = odyssey("synth", "--output", "json", at=stacks).document["stacks"]
    assert "body" not in short


def test_a_stack_that_is_not_there_is_a_usage_error(odyssey: Run, stacks: Path) -> None:
    done = odyssey("synth", "fundation", at=stacks)
    assert done.code == 2
    assert 'no stack "fundation"' in done.err


@pytest.mark.parametrize("command", ["diff", "deploy", "destroy"])
def test_without_a_region_the_exit_code_is_5(odyssey: Run, stacks: Path, command: str) -> None:
    done = odyssey(command, at=stacks)
    assert (done.code, done.out) == (5, "")
    assert "Error: no region is chosen" in done.err


@pytest.mark.parametrize("command", ["diff", "deploy", "destroy"])
def test_without_credentials_the_exit_code_is_5_and_the_way_is_told(
    odyssey: Run, stacks: Path, command: str
) -> None:
    done = odyssey(command, "--region", "eu-west-1", at=stacks)
    assert (done.code, done.out) == (5, "")
    assert done.err.splitlines()[-1] == f"Hint: {aws.LOG_IN}"


def test_a_refusal_is_one_document_too(odyssey: Run, stacks: Path) -> None:
    done = odyssey("deploy", "--profile", "none", "--output", "json", at=stacks)
    assert done.document["error"]["exit_code"] == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dry-run", "--execute", "c"], "--dry-run executes nothing, and --execute does"),
        (["--change-set", "c"], "--change-set names what --dry-run makes"),
    ],
)
def test_options_that_exclude_each_other_are_refused(
    odyssey: Run, stacks: Path, words: list[str], message: str
) -> None:
    done = odyssey("deploy", *words, at=stacks)
    assert done.code == 2
    assert message in done.err
