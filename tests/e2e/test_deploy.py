"""The app's stacks in a sandbox, by the real CDK on the real Node.js; a small server serves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import odyssey as package
from odyssey.sandbox.clients import KEYS
from odyssey.sandbox.executors.process import ProcessExecutor
from odyssey.sandbox.sandbox import Sandbox, Settings
from odyssey.scaffold import bake
from tests.sandbox import serving

DIGEST = "sha256:" + "ab" * 32
SETTINGS = f"""
[foundation]
repository = "testapp"

[artifacts]
image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/testapp@{DIGEST}"
model = "s3://models/first/model.tar.gz"
"""


@dataclass(frozen=True)
class Done:
    """A command line that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Account:
    """An account of a sandbox's, and an app that goes there."""

    sandbox: Sandbox
    app: Path

    def run(self, *words: str, **variables: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "odyssey", *words],
            cwd=self.app,
            env={**self.environment(), **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def environment(self) -> dict[str, str]:
        ours = ("AWS_", "ODYSSEY_", "MODEL_SERVER", "CDK_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {
            **kept,
            "PYTHONPATH": str(Path(package.__file__).parent.parent),
            "AWS_ENDPOINT_URL": self.sandbox.url,
            "AWS_ACCESS_KEY_ID": KEYS.access,
            "AWS_SECRET_ACCESS_KEY": KEYS.secret,
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "COLUMNS": "200",  # The CDK's tables would break words in two where there are few.
        }

    def client(self, service: str) -> Any:
        return serving.client(self.sandbox, service)

    def status(self, stack: str) -> str | None:
        listed = self.client("cloudformation").describe_stacks()["Stacks"]
        return next((s["StackStatus"] for s in listed if s["StackName"] == stack), None)

    def set(self, text: str) -> None:
        with (self.app / "odyssey.toml").open("a") as settings:
            settings.write(text)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """An account with nothing in it but a model."""
    folder = tmp_path / "sandbox"
    folder.mkdir()
    executor = ProcessExecutor(serving.app(tmp_path / "small"))
    sandbox = Sandbox(Settings(folder), lambda _: executor)
    sandbox.start()
    models = serving.Account(sandbox)
    models.upload("first", answer="first")
    account = Account(sandbox, bake("testapp", "sagemaker", tmp_path))
    account.set(SETTINGS)
    yield account
    sandbox.stop()


def test_an_app_s_life_in_an_account(account: Account) -> None:
    # given: nothing is there
    shown = account.run("diff")
    assert shown.code == 0
    assert "[+] AWS::SageMaker::Endpoint" in shown.out
    assert "sts:AssumeRole" in shown.out
    # when it is deployed
    refused = account.run("deploy")
    done = account.run("deploy", "--yes", "--output", "json")
    # then it is there, and was asked for
    assert (refused.code, refused.out) == (2, "")
    assert "--yes" in refused.err
    assert done.code == 0, done.err
    foundation, endpoint = done.document["stacks"]
    assert (foundation["changed"], endpoint["changed"]) == (True, True)
    names = account.client("sagemaker").list_endpoints()["Endpoints"]
    assert [e["EndpointName"] for e in names] == [endpoint["outputs"]["EndpointName"]]
    assert "[+] AWS::SageMaker::Endpoint" in done.err
    assert "CREATE_COMPLETE" in done.err
    # when nothing has changed, then nothing is done
    assert account.run("diff", "--fail-on-diff").code == 0
    again = account.run("deploy", "--output", "json")
    assert again.code == 0, again.err
    assert [stack["changed"] for stack in again.document["stacks"]] == [False, False]
    # when something changes, then it is seen, and that stack alone is deployed
    account.set('\n[aws]\ntags = {team = "ml"}\n')
    different = account.run("diff", "foundation", "--fail-on-diff")
    assert different.code == 4
    assert "[~] AWS::S3::Bucket" in different.out
    changed = account.run("deploy", "foundation", "--yes")
    assert changed.code == 0, changed.err
    assert account.status("testapp-foundation") == "UPDATE_COMPLETE"
    # when it is destroyed, then what it keeps stays
    planned = account.run("destroy", "--dry-run")
    assert account.status("testapp-endpoint") == "CREATE_COMPLETE"
    assert "stays  AWS::S3::Bucket" in planned.out
    gone = account.run("destroy", "--yes", "--output", "json")
    assert gone.code == 0, gone.err
    assert [s["stack"] for s in gone.document["stacks"]] == [
        "testapp-endpoint",
        "testapp-foundation",
    ]
    assert account.status("testapp-foundation") in {None, "DELETE_COMPLETE"}
    assert account.run("destroy").code == 0


def test_a_change_set_is_prepared_and_executed_as_it_is(account: Account) -> None:
    # given
    prepared = account.run("deploy", "--dry-run", "--output", "json")
    assert prepared.code == 0, prepared.err
    # then: nothing is made, and the second stack waits for the first
    (made,) = prepared.document["change_sets"]
    assert made["new_stack"]
    assert ("Add", "AWS::S3::Bucket") in {(c["action"], c["type"]) for c in made["changes"]}
    assert "testapp-endpoint: no change set" in prepared.err
    assert account.status("testapp-foundation") == "REVIEW_IN_PROGRESS"
    # when
    done = account.run(*made["execute"].split()[1:], "--yes")
    # then
    assert done.code == 0, done.err
    assert account.status("testapp-foundation") == "CREATE_COMPLETE"
    again = account.run(*made["execute"].split()[1:], "--yes")
    assert again.code == 1
    assert "EXECUTE_COMPLETE" in again.err


def test_a_failure_has_the_service_s_own_reason(account: Account) -> None:
    account.client("ecr").create_repository(repositoryName="testapp")
    done = account.run("deploy", "foundation", "--method", "direct", "--yes")
    assert done.code == 1
    assert "testapp-foundation could not be deployed" in done.err
    assert "already exists" in done.err
    assert "Traceback" not in done.err
