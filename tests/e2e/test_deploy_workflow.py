"""The example of a deployment by GitHub Actions: its scripts are run as a runner would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.sandboxes import World
from tests.functional.test_github_example import filled, load, steps


def run(world: World, step: dict[str, Any], runner: Path) -> None:
    said = {name: filled(value) for name, value in step.get("env", {}).items()}
    files = {name: str(runner / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    environ = {**world.environment(), **said, **files}
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        cwd=world.app,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_was_reviewed_is_what_is_executed(app: Path, tmp_path: Path) -> None:
    script = steps(load("deploy.yml"))
    runner = tmp_path / "runner"
    runner.mkdir()
    with World(app, tmp_path / "state", ("--executor", "process")) as world:
        del world.variables["ODYSSEY_ARTIFACTS_IMAGE"]
        # given: change sets, and a review that whoever approves has seen
        for name in ("Review", "Prepare", "Show the review"):
            run(world, script[name], runner)
        assert (runner / "GITHUB_OUTPUT").read_text() == "count=1\n"
        assert "**6 created.**" in (runner / "GITHUB_STEP_SUMMARY").read_text()
        # when: the app has changed meanwhile
        with (app / "odyssey.toml").open("a") as settings:
            settings.write('\n[foundation]\nremoval = "destroy"\n')
        run(world, script["Execute"], runner)
        # then: it is as it was prepared
        cloudformation = world.client("cloudformation")
        (stack,) = cloudformation.describe_stacks()["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        template = cloudformation.get_template(StackName=stack["StackName"])["TemplateBody"]
        template = yaml.safe_load(template) if isinstance(template, str) else template
        kept = {one.get("DeletionPolicy") for one in template["Resources"].values()}
        assert "Retain" in kept
