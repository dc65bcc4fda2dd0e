"""The templates of whole apps, byte by byte, and what three linters say of them.

``pytest tests/template/test_golden.py --update-golden`` writes them anew; read the diff.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cfnlint.api import lint_file

from odyssey import config
from odyssey.errors import SynthesisError
from odyssey.infra.synthesis import Synthesis, synthesize

GOLDEN = Path(__file__).parent / "golden"
APPS = sorted(path.name for path in GOLDEN.iterdir())
EVERY = pytest.mark.parametrize("app", APPS)

NAG = """
from aws_cdk import Validations
from cdk_nag import AwsSolutionsChecks
root = stacks.foundation.node.root
Validations.of(root).add_plugins(AwsSolutionsChecks(root))
"""
"""Lines of an override that has cdk-nag look at the app with the rules of AWS Solutions."""


def synthesized(app: Path, **more: bool) -> Synthesis:
    return synthesize(config.load(app, environ={}), fresh=True, **more)


def templates(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.template.json"))}


def copied(app: str, place: Path) -> Path:
    shutil.copytree(GOLDEN / app, place, ignore=shutil.ignore_patterns("*.template.json"))
    return place


def add_to_overrides(app: Path, lines: str) -> None:
    """Run lines at the beginning of the app's override, which is made if it has none."""
    path = app / "overrides.py"
    own = path.read_text() if path.exists() else "def override(stacks):\n    pass\n"
    renamed = own.replace("def override(", "def own_override(")
    body = "".join(f"    {line}\n" for line in lines.strip().splitlines())
    path.write_text(f"{renamed}\n\ndef override(stacks):\n{body}    own_override(stacks)\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Synthesis]:
    """Every app, synthesized once with the CDK's own validation and cdk-nag."""
    place = tmp_path_factory.mktemp("golden")
    done = {}
    for name in APPS:
        app = copied(name, place / name)
        add_to_overrides(app, NAG)
        done[name] = synthesized(app, validate=True)
    return done


@EVERY
def test_the_templates_are_as_they_were(
    app: str, made: dict[str, Synthesis], request: pytest.FixtureRequest
) -> None:
    new = templates(made[app].folder)
    if request.config.getoption("--update-golden"):
        for old in (GOLDEN / app).glob("*.template.json"):
            old.unlink()
        for name, text in new.items():
            (GOLDEN / app / name).write_text(text)
    assert new == templates(GOLDEN / app)


@EVERY
def test_the_cdk_s_validation_and_cdk_nag_find_nothing(
    app: str, made: dict[str, Synthesis]
) -> None:
    assert made[app].findings == ()


@EVERY
def test_cfn_lint_finds_nothing(app: str) -> None:
    for path in sorted((GOLDEN / app).glob("*.template.json")):
        assert [str(match) for match in lint_file(path)] == []


def test_the_linters_would_find_something(tmp_path: Path) -> None:
    # given
    app = copied("real-time", tmp_path / "app")
    bad = (
        "from aws_cdk import aws_s3 as s3\n"
        "s3.CfnBucket(stacks.foundation, 'Open', bucket_name='A_B')\n"
    )
    add_to_overrides(app, NAG + bad)
    # when
    with pytest.raises(SynthesisError) as caught:
        synthesized(app, validate=True)
    made = synthesized(app)
    # then
    assert "iris-foundation/Open" in caught.value.message
    assert "(AwsSolutions-S1)" in caught.value.message
    assert lint_file(made.folder / "iris-foundation.template.json")


def test_the_cdk_s_own_validation_would_find_something(tmp_path: Path) -> None:
    app = copied("real-time", tmp_path / "app")
    add_to_overrides(
        app,
        "from aws_cdk import aws_s3 as s3\n"
        "s3.CfnBucket(stacks.foundation, 'Open', bucket_name='A_B')\n",
    )
    found = "\n".join(synthesized(app, validate=True).findings)
    assert "iris-foundation/Open" in found
    assert "does not match pattern" in found


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "77777", "TZ": "America/New_York", "LC_ALL": "C.UTF-8"},
    ],
    ids=["one", "another"],
)
def test_the_assembly_is_the_same_in_any_folder_locale_and_process(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    # given
    app = copied("guarded", tmp_path / "somewhere" / "else entirely")
    program = (
        "import sys; from pathlib import Path; from odyssey import config\n"
        "from odyssey.infra.synthesis import synthesize\n"
        "synthesize(config.load(Path(sys.argv[1])), fresh=True)"
    )
    # when
    for folder, environ in ((app, {}), (copied("guarded", tmp_path / "b"), variables)):
        subprocess.run(
            [sys.executable, "-c", program, str(folder)], env={**os.environ, **environ}, check=True
        )
    # then
    one, other = (whole(folder / "cdk.out") for folder in (app, tmp_path / "b"))
    assert one == other
    assert str(tmp_path) not in "".join(one.values())


def whole(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@EVERY
def test_no_template_is_too_large_to_be_sent_without_a_bucket(app: str) -> None:
    for text in templates(GOLDEN / app).values():
        assert len(text.encode()) <= 51_200


@EVERY
def test_no_template_names_what_has_to_be_replaced(app: str) -> None:
    named = {
        "AWS::SageMaker::Model": "ModelName",
        "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
    }
    for text in templates(GOLDEN / app).values():
        for resource in json.loads(text)["Resources"].values():
            assert named.get(resource["Type"]) not in resource.get("Properties", {})
