"""The README is a promise: each of its command blocks is run, in a fresh virtual environment."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.pages import command_blocks
from tests.e2e.servers import free_port
from tests.e2e.shell import Shell


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> dict[str, str]:
    """The variables of a shell with a new virtual environment, in which nothing is installed."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "ODYSSEY"))
    }
    environ["PATH"] = f"{folder / 'venv' / 'bin'}:{environ['PATH']}"
    environ["ODYSSEY_LOCAL_PORT"] = str(free_port())
    # The packages that were downloaded before need not be again; all else of HOME is a newcomer's.
    cache = [sys.executable, "-m", "pip", "cache", "dir"]
    where = subprocess.run(cache, capture_output=True, text=True, check=False)
    environ["PIP_CACHE_DIR"] = where.stdout.strip() or str(folder / "cache")
    environ["HOME"] = str(folder)
    return environ


@pytest.fixture(scope="module")
def place(base_image: str) -> dict[str, str]:
    """The variables that choose a region, and a base image of our own."""
    return {"AWS_REGION": "eu-west-1", "ODYSSEY_DOCKER_BASE": base_image}


def test_every_command_block_of_the_readme_works(
    repository: Path, fresh: dict[str, str], place: dict[str, str], tmp_path: Path
) -> None:
    said: dict[str, str] = {}
    shell = Shell(tmp_path, {**fresh, **place})
    try:
        for block in command_blocks(repository / "README.md"):
            for line in block:
                if line.startswith("make "):
                    # .ci/run makes them for real; here they would call this test.
                    subprocess.run(["make", "-n", *line.split()[1:]], cwd=repository, check=True)
                elif line.startswith("pip install "):
                    install = Shell(repository, {**fresh, "PIP_QUIET": "1"})
                    install.type(line)
                else:
                    printed = shell.type(line)
                    said.setdefault(line, printed)
    finally:
        shell.stop()
        subprocess.run(["odyssey", "sandbox", "stop"], env=fresh, check=False)
    answers = [text for line, text in said.items() if line.startswith("odyssey local request")]
    assert [answer.split() for answer in answers] == [
        ['{"prediction":"Iris-setosa"}'],
        ["Iris-setosa", "Iris-virginica"],
    ]
    assert "keeps the contract" in said["odyssey docker test"]
    assert re.fullmatch(
        r"\d{12}\.dkr\.ecr\.eu-west-1\S+@sha256:[0-9a-f]{64}\n", said["odyssey docker push"]
    )
    assert said["odyssey sagemaker train"].endswith("/output/model.tar.gz\n")
    assert "EndpointName" in said["odyssey sagemaker serve"]
    assert "Completed" in said["odyssey sagemaker status"]
    assert "There were no differences" in said["odyssey diff"]
    assert "TrainingRoleArn" in said["odyssey deploy"]
    answer = said["odyssey sagemaker invoke --file samples/request.json"]
    assert answer.split() == ['{"prediction":"Iris-setosa"}']
    (answer,) = (text for line, text in said.items() if line.startswith("odyssey lambda invoke"))
    assert json.loads(answer) == {"prediction": "Iris-setosa"}
    assert "flowers-serve" in said["odyssey lambda status"]
    assert "stays  AWS::S3::Bucket" in said["odyssey destroy"]
    assert "ODYSSEY_SERVER_WORKERS" in said["ODYSSEY_SERVER_WORKERS=4 odyssey config show --origin"]


def test_the_apps_readme_has_the_same_commands(repository: Path) -> None:
    known = {line for block in command_blocks(repository / "README.md") for line in block}
    template = repository / "app_template" / "{{cookiecutter.app_name}}" / "README.md"
    lines = {line for block in command_blocks(template) for line in block}
    assert {line for line in lines if not line.startswith("{%")} <= known
