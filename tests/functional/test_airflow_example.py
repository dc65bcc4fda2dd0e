"""The example of an Airflow DAG: its commands are those that there are, and their JSON gets on."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import odyssey as package
from odyssey import cli

EXAMPLE = Path(package.__file__).parents[1] / "examples" / "airflow" / "dag.py"

AIRFLOW = {
    "airflow/__init__.py": "",
    "airflow/providers/__init__.py": "",
    "airflow/providers/standard/__init__.py": "",
    "airflow/providers/standard/operators/__init__.py": "",
    "airflow/providers/standard/operators/bash.py": """
TASKS = []

class BashOperator:
    def __init__(self, *, task_id, bash_command, cwd, output_processor, execution_timeout, retries):
        self.task_id, self.bash_command, self.cwd = task_id, bash_command, cwd
        self.after = []
        TASKS.append(self)

    def __rshift__(self, other):
        other.after.append(self.task_id)
        return other
""",
    "airflow/sdk.py": """
class DAG:
    def __init__(self, *, dag_id, schedule, start_date, catchup, max_active_runs):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
""",
}

LOAD = """
import json, runpy, sys
runpy.run_path(sys.argv[1])
from airflow.providers.standard.operators.bash import TASKS
print(json.dumps([vars(task) for task in TASKS]))
"""

# Says something on stderr, and prints a document of several lines; fails when it is told to.
ODYSSEY = """#!/bin/sh
echo talk >&2
[ "$FAIL" ] && exit 1
printf '{\\n  "model": "s3://models/one.tar.gz"\\n}\\n'
"""


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The tasks of the example, as a stand-in for Airflow sees them."""
    home = tmp_path_factory.mktemp("airflow")
    for name, text in AIRFLOW.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(EXAMPLE)],
        env={**os.environ, "PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def rendered(task: dict[str, Any]) -> str:
    """A task's command after Airflow has put its values in."""
    command = re.sub(r"\{\{.*?xcom_pull.*?\}\}", "s3://models/one.tar.gz", task["bash_command"])
    return re.sub(r"\{\{ ds_nodash \}\}", "20260102", command)


def parsed(words: list[str]) -> click.Context:
    """The context of the command that words call; click refuses what there is not."""
    command: click.Command = cli.root
    context = command.make_context("odyssey", words)
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, below, words = command.resolve_command(context, rest)
        assert below is not None
        command = below
        context = command.make_context(name, words, parent=context)
    return context


def test_the_tasks_come_one_after_the_other(tasks: list[dict[str, Any]]) -> None:
    order = {task["task_id"]: task["after"] for task in tasks}
    assert order == {"train": [], "transform": ["train"], "serve": ["transform"]}


def test_every_command_of_the_example_is_one_of_odyssey_s(tasks: list[dict[str, Any]]) -> None:
    called = []
    for task in tasks:
        line = rendered(task)
        assert "{{" not in line
        words = shlex.split(line.partition("; ")[2].partition(" | ")[0])
        assert words[0] == "odyssey"
        called.append(parsed(words[1:]).command_path)
    assert called == [
        "odyssey sagemaker train",
        "odyssey sagemaker batch-transform",
        "odyssey sagemaker serve",
    ]


def test_an_option_that_there_is_not_would_be_seen() -> None:
    with pytest.raises(click.UsageError, match="--no-such-option"):
        parsed(["sagemaker", "serve", "--no-such-option"])


@pytest.mark.parametrize("fails", [False, True])
def test_the_last_line_of_a_task_is_its_document_and_its_failure_is_seen(
    tasks: list[dict[str, Any]], tmp_path: Path, fails: bool
) -> None:
    # given
    program = tmp_path / "odyssey"
    program.write_text(ODYSSEY)
    program.chmod(0o755)
    # when: Airflow reads stdout and stderr as one
    done = subprocess.run(
        ["bash", "-c", rendered(tasks[0])],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAIL": "yes" if fails else ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    # then
    assert (done.returncode != 0) is fails
    if not fails:
        assert json.loads(done.stdout.splitlines()[-1]) == {"model": "s3://models/one.tar.gz"}
