"""The examples for GitHub Actions: the review's scripts are run as a runner would, on a branch.

Those of the deployment are run in tests/e2e/test_deploy_workflow.py, for they need an AWS.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import odyssey as package
from odyssey.scaffold import bake

EXAMPLES = Path(package.__file__).parents[1] / "examples" / "github-actions"
SETTINGS = f"""
[artifacts]
image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/testapp@sha256:{"4b" * 32}"
model = "s3://testapp-models/1/model.tar.gz"
"""
EXPRESSIONS = {
    "github.base_ref": "main",
    "github.token": "token",
    "github.event.pull_request.number": "7",
    "vars.MAX_MONTHLY || '1000'": "1000",
}


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    return load("review.yml")


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text())
    return document


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of an app's repository, on a branch that takes another instance type."""
    app = bake("testapp", "sagemaker", tmp_path / "origin")
    with (app / "odyssey.toml").open("a") as settings:
        settings.write(SETTINGS)
    git(app, "init", "--quiet", "--initial-branch", "main")
    git(app, "add", ".")
    git(app, "commit", "--quiet", "--message", "An app")
    git(tmp_path, "clone", "--quiet", str(app), "checkout")
    clone = tmp_path / "checkout"
    git(clone, "checkout", "--quiet", "-b", "change")
    with (clone / "odyssey.toml").open("a") as settings:
        settings.write('\n[endpoint]\ninstance_type = "ml.m5.xlarge"\n')
    return clone


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=someone", "-c", "user.email=someone@example.com"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True)  # noqa: S607


def steps(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    every = (step for job in workflow["jobs"].values() for step in job["steps"])
    return {step["name"]: step for step in every if "run" in step}


def test_its_scripts_review_a_branch_and_comment_on_it(
    workflow: dict[str, Any], checkout: Path, tmp_path: Path
) -> None:
    # given: a runner with odyssey, and a gh that keeps what it is given
    tools = tmp_path / "tools"
    tools.mkdir()
    gh = tools / "gh"
    gh.write_text('#!/bin/sh\nprintf "%s\\n" "$*" > gh.words\ncp "$7" gh.body\n')
    gh.chmod(0o755)
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ODYSSEY_"))}
    # when
    for name, step in steps(workflow).items():
        if name == "Install":
            continue
        said = {k: filled(v) for k, v in step.get("env", {}).items()}
        subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step["run"]],  # noqa: S607
            cwd=checkout,
            env={**kept, **said, "PATH": path},
            check=True,
        )
    # then
    assert '"2.1.0"' in (checkout / "check.sarif").read_text()
    body = (checkout / "gh.body").read_text()
    assert "`ml.m5.large` → `ml.m5.xlarge`" in body
    assert (checkout / "gh.words").read_text().startswith("pr comment 7 --edit-last")
    assert shutil.which("odyssey", path=path)


def filled(text: str) -> str:
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: EXPRESSIONS[found[1]], text)


@pytest.mark.parametrize("name", ["review.yml", "deploy.yml"])
def test_no_expression_reaches_a_script(name: str) -> None:
    assert not [name for name, step in steps(load(name)).items() if "${{" in step["run"]]


@pytest.mark.parametrize(
    ("name", "permissions"),
    [
        (
            "review.yml",
            {"contents": "read", "pull-requests": "write", "security-events": "write"},
        ),
        ("deploy.yml", {"contents": "read", "id-token": "write"}),
    ],
)
def test_they_may_do_no_more_than_they_do(name: str, permissions: dict[str, str]) -> None:
    assert load(name)["permissions"] == permissions


def test_nothing_is_executed_before_an_approval_nor_with_a_key_that_is_kept() -> None:
    jobs = load("deploy.yml")["jobs"]
    assert (jobs["deploy"]["needs"], jobs["deploy"]["environment"]) == ("prepare", "production")
    assert "environment" not in jobs["prepare"]
    assert "secrets." not in (EXAMPLES / "deploy.yml").read_text()
