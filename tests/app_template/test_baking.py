"""The app that `odyssey init` bakes: exactly these files, and they work as they come."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from odyssey import config

FILES = [
    ".dockerignore",
    ".gitignore",
    "Dockerfile",
    "README.md",
    "cdk.json",
    "input/data/training/iris.data",
    "model/.gitkeep",
    "odyssey.toml",
    "output/.gitkeep",
    "requirements.txt",
    "rocket/__init__.py",
    "rocket/archives.py",
    "rocket/asgi.py",
    "rocket/batching.py",
    "rocket/core.py",
    "rocket/errors.py",
    "rocket/events.py",
    "rocket/formats.py",
    "rocket/front.py",
    "rocket/function.py",
    "rocket/job.py",
    "rocket/model.py",
    "rocket/nginx.conf",
    "rocket/predictor.py",
    "rocket/processes.py",
    "rocket/reload.py",
    "rocket/runner.py",
    "rocket/s3.py",
    "rocket/serve",
    "rocket/server.py",
    "rocket/settings.py",
    "rocket/sockets.py",
    "rocket/train",
    "rocket/training.py",
    "rocket/watch.py",
    "rocket/workplace.py",
    "rocket/wsgi.py",
    "samples/request.csv",
    "samples/request.json",
    "serve.py",
    "tests/test_app.py",
    "train.py",
]

#: What an app for Lambda has besides.
OF_LAMBDA = ["app.py", "tests/test_function.py"]

PROGRAMS = ("rocket/train", "rocket/serve")
# Only these differ from one app to another.
RENDERED = {"README.md", "odyssey.toml", "requirements.txt"}


def files(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if not path.is_dir() and "__pycache__" not in path.parts
    )


def test_the_app_has_exactly_these_files(each: Path, service: str) -> None:
    assert files(each) == sorted(FILES + (OF_LAMBDA if "lambda" in service else []))
    assert not list(each.rglob("__pycache__"))


def test_only_the_two_programs_are_executable(each: Path) -> None:
    names = files(each)
    executable = {
        name for name in names if (each / name).stat().st_mode & stat.S_IXUSR == stat.S_IXUSR
    }
    assert executable == set(PROGRAMS)
    for name in names:
        assert os.access(each / name, os.R_OK | os.W_OK)


def test_all_but_the_apps_name_and_service_is_byte_for_byte_the_templates(
    each: Path, repository: Path
) -> None:
    template = repository / "app_template" / "{{cookiecutter.app_name}}"
    different = {
        name for name in files(each) if (each / name).read_bytes() != (template / name).read_bytes()
    }
    assert different == RENDERED


def test_nothing_of_cookiecutter_is_left(each: Path) -> None:
    for name in files(each):
        text = (each / name).read_text()
        for left in ("{{", "}}", "{%", "cookiecutter"):
            assert left not in text, name
        if name in RENDERED:
            assert text.endswith("\n")
            assert "\n\n\n" not in text
            assert not text.endswith("\n\n")


def test_the_settings_name_the_app_and_are_accepted(each: Path, service: str) -> None:
    settings = config.load(each, environ={})
    assert (settings.app.name, settings.app.service) == ("testapp", service)
    assert settings.warnings == ()
    assert (each / "README.md").read_text().startswith("# testapp\n")


def test_the_settings_that_are_commented_out_are_accepted_too(
    each: Path, service: str, tmp_path: Path
) -> None:
    lines = (each / "odyssey.toml").read_text().splitlines()
    active = [line.removeprefix("# ") if " = " in line or "# [" in line else line for line in lines]
    (tmp_path / "odyssey.toml").write_text("\n".join(active))
    defaults = config.load(each, environ={})
    changed = config.load(tmp_path, environ={})
    production = config.load(tmp_path, env="prod", environ={})
    # As comments they say the defaults, but for the workers, which depend on the machine.
    for name in ("threads", "timeout", "max_payload_mb", "nginx", "csv_header"):
        assert getattr(changed.server, name) == getattr(defaults.server, name)
    if changed.app.on_sagemaker:
        assert changed.endpoint.environment == {"LOG_LEVEL": "info"}
        assert production.endpoint.instance_count == 2
    if changed.app.on_lambda:
        for name in ("timeout", "memory_mb", "storage_mb"):
            assert getattr(changed.function, name) == getattr(defaults.function, name)
        assert (changed.function.schedule, changed.function.url) == ("rate(7 days)", True)
        assert changed.function.environment == {"LOG_LEVEL": "info"}
        assert production.function.memory_mb == 2048
    known = ("endpoint" in "".join(lines), "function" in "".join(lines))
    assert known == (changed.app.on_sagemaker, changed.app.on_lambda)


def test_the_flowers_are_those_of_the_uci_file(baked: Path) -> None:
    rows = (baked / "input/data/training/iris.data").read_text().splitlines()
    assert len(rows) == 150
    fields = [row.split(",") for row in rows]
    for row in fields:
        assert len(row) == 5
        assert all(0 < float(value) < 10 for value in row[:4])
    labels = [row[4] for row in fields]
    for label in ("Iris-setosa", "Iris-versicolor", "Iris-virginica"):
        assert labels.count(label) == 50


@pytest.mark.parametrize("service", ["sagemaker", "lambda"], indirect=True)
def test_the_apps_own_tests_pass(each: Path, service: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=each,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{10 if 'lambda' in service else 7} passed" in ran.stdout


@pytest.mark.parametrize("service", ["sagemaker+lambda"], indirect=True)
@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_the_code_keeps_the_projects_own_rules(
    each: Path, repository: Path, command: list[str]
) -> None:
    if command == ["check"]:
        # What pyproject.toml says of the template's files, said of the baked ones.
        command += ["--extend-per-file-ignores", "tests/*.py:S,tests/*.py:D,serve.py:S301"]
    ran = subprocess.run(
        [
            *[sys.executable, "-m", "ruff", *command, "--no-cache"],
            *["--config", str(repository / "pyproject.toml"), "--config", "src = []"],
            *[".", *PROGRAMS],
        ],
        cwd=each,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_app_needs_nothing_of_odyssey(each: Path) -> None:
    """It runs in containers where neither odyssey nor the CDK is installed."""
    found = {}
    for name in files(each):
        if name.endswith(".py") or name in PROGRAMS:
            for node in ast.walk(ast.parse((each / name).read_text())):
                if isinstance(node, ast.Import):
                    modules = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    assert node.level == 0
                    modules = [node.module]
                else:
                    continue
                found.update({module.partition(".")[0]: name for module in modules})
    ours = {"app", "rocket", "serve", "train"}
    packages = {"flask", "gunicorn", "numpy", "orjson", "pandas", "pytest", "sklearn", "werkzeug"}
    packages |= {"boto3", "botocore"}
    foreign = set(found) - ours - packages - set(sys.stdlib_module_names)
    assert foreign == set(), {module: found[module] for module in foreign}


def test_the_requirements_are_those_that_the_tests_run_with(each: Path, service: str) -> None:
    lines = (each / "requirements.txt").read_text().splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    expected = {"numpy", "pandas", "scikit-learn", "orjson"}
    if "sagemaker" in service:
        expected |= {"flask", "gunicorn"}
    if "lambda" in service:
        expected |= {"awslambdaric", "boto3"}
    assert {requirement.name for requirement in requirements} == expected
    for requirement in requirements:
        version = importlib.metadata.version(requirement.name)
        assert requirement.specifier.contains(version), requirement
