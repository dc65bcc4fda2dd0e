"""What GitHub runs: it says what it may do, names what it takes, and its scripts are shell."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import odyssey as package

REPOSITORY = Path(package.__file__).parents[1]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
EXPRESSION = re.compile(r"\$\{\{.*?\}\}")
WHOLE_COMMIT = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")


def ids(path: Path) -> str:
    return path.name


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    # YAML 1.1 takes the key "on" for a truth.
    document["on"] = document.pop(True)
    return document


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in read(path)["jobs"].values():
        yield from job["steps"]


def test_there_are_the_three_that_we_know() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "regular.yml", "release.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=ids)
def test_nothing_may_be_written_but_where_a_job_says_so(path: Path) -> None:
    assert read(path)["permissions"] in ({}, {"contents": "read"})
    written = {
        f"{name}: {what}"
        for name, job in read(path)["jobs"].items()
        for what, how in job.get("permissions", {}).items()
        if how == "write"
    }
    allowed = {"build: id-token", "build: attestations", "publish: contents"}
    assert written == (allowed if path.name == "release.yml" else set())


@pytest.mark.parametrize("path", WORKFLOWS, ids=ids)
def test_a_job_ends_and_does_not_run_twice_at_once(path: Path) -> None:
    document = read(path)
    assert document["concurrency"]["group"]
    assert all(job["timeout-minutes"] <= 90 for job in document["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=ids)
def test_what_others_wrote_is_taken_at_one_commit_whose_version_is_said(path: Path) -> None:
    used = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert used
    for line in used:
        action, _, version = line.partition("uses:")[2].partition("#")
        assert WHOLE_COMMIT.fullmatch(action.strip())
        assert re.fullmatch(r" v\d+\.\d+\.\d+", version)


def test_an_action_has_the_same_commit_everywhere() -> None:
    used = {step["uses"] for path in WORKFLOWS for step in steps(path) if "uses" in step}
    assert len(used) == len({action.partition("@")[0] for action in used})


@pytest.mark.parametrize("path", WORKFLOWS, ids=ids)
def test_no_step_keeps_the_key_of_the_repository(path: Path) -> None:
    checkouts = [step for step in steps(path) if "actions/checkout@" in step.get("uses", "")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("path", WORKFLOWS, ids=ids)
def test_each_script_is_shell_into_which_no_expression_is_written(path: Path) -> None:
    scripts = [step["run"] for step in steps(path) if "run" in step]
    assert scripts
    for script in scripts:
        assert not EXPRESSION.search(script)
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("path", WORKFLOWS, ids=ids)
def test_what_a_script_calls_is_there(path: Path) -> None:
    scripts = "\n".join(step["run"] for step in steps(path) if "run" in step)
    wanted = re.findall(r"\bmake ([a-z-]+)", scripts)
    for target in wanted:
        known = ["make", "--dry-run", "--old-file", ".venv/.ready", target]
        subprocess.run(known, cwd=REPOSITORY, check=True, capture_output=True)
    for program in re.findall(r"(?<=\s)\.ci/\w+", scripts):
        assert (REPOSITORY / program).stat().st_mode & 0o100


def test_a_release_is_made_from_a_tag_with_no_secret_and_nothing_cached() -> None:
    path = REPOSITORY / ".github" / "workflows" / "release.yml"
    assert read(path)["on"] == {"push": {"tags": ["v*"]}}
    text = path.read_text()
    assert "secrets." not in text
    assert "cache" not in "".join(line for line in text.splitlines() if "#" not in line)


def test_the_tag_of_a_release_is_the_version(tmp_path: Path) -> None:
    (script,) = (
        step["run"]
        for step in steps(REPOSITORY / ".github" / "workflows" / "release.yml")
        if step.get("name") == "Compare the tag with the version"
    )

    def code(tag: str) -> int:
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=REPOSITORY,
            env={"TAG": tag, "PATH": "/usr/bin:/bin"},
            check=False,
        ).returncode

    assert code(f"v{package.__version__}") == 0
    assert code("v999.0") == code(f"{package.__version__}") == code("v$(exit 0)") == 1


def test_every_other_file_for_github_is_one_that_can_be_read() -> None:
    folder = REPOSITORY / ".github"
    read = [yaml.safe_load(path.read_text()) for path in folder.rglob("*.yml")]
    assert all(isinstance(document, dict) for document in read)
    updates = yaml.safe_load((folder / "dependabot.yml").read_text())["updates"]
    assert [each["package-ecosystem"] for each in updates] == ["pip", "github-actions"]
    for path in (folder / "ISSUE_TEMPLATE").glob("*.md"):
        _, head, body = path.read_text().split("---\n", 2)
        assert {"name", "about", "labels"} == set(yaml.safe_load(head))
        assert body.strip()
