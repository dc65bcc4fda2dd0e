"""What the CDK's report of differences is cut into."""

from __future__ import annotations

import io
import os
import pty
import termios
from pathlib import Path
from typing import TextIO

import pytest

from odyssey.cloudformation import differences
from odyssey.errors import AwsError, DeploymentError
from tests.functional.test_deployment import World

REPORT = """
print("Hold on while we create a read-only change set to get a diff")
print()
print("Could not create a change set, will base the diff on template differences")
print("Stack \\x1b[1mapp-a\\x1b[22m (aws://1/eu-west-1)")
print("Resources")
print("[+] AWS::S3::Bucket app-b")
print()
print("Hold on while we create a read-only change set to get a diff")
print("Change set arn:aws:cloudformation:x failed: DeploymentError: No export named app-a:x found")
print("    at async exec (index.js:374240:12) {")
print("Could not create a change set, will base the diff on template differences")
print("Stack app-b")
print("There were no differences")
print()
print("✨  Number of stacks with differences: 1")
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_each_stack_has_its_own_part_of_the_report(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    world.cdk.does(REPORT)
    chosen = world.target()
    # when
    first, second = differences.find(chosen, chosen.stacks, shown_on=io.StringIO())
    # then
    assert first.document() == {
        "stack": "app-a",
        "differences": True,
        "text": "Stack app-a (aws://1/eu-west-1)\nResources\n[+] AWS::S3::Bucket app-b",
    }
    assert (second.exists, second.text) == (False, "Stack app-b\nThere were no differences")
    assert "CloudFormation made no change set" in capsys.readouterr().err


def environment_on(world: World, stream: TextIO) -> dict[str, str]:
    chosen = world.target()
    differences.find(chosen, chosen.stacks, shown_on=stream, method="template")
    call = world.cdk.calls()[-1]
    words = call["words"]
    assert words[:6] == ["diff", "--exclusively", "--method", "template", "app-a", "app-b"]
    env: dict[str, str] = call["env"]
    return env


def test_on_a_terminal_the_report_has_its_width_and_colours_unless_they_are_not_wanted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 97))
    with os.fdopen(ours), os.fdopen(theirs, "w") as terminal:
        env = environment_on(world, terminal)
        assert (env["FORCE_COLOR"], env["COLUMNS"]) == ("1", "97")
        monkeypatch.setenv("NO_COLOR", "1")
        assert environment_on(world, terminal)["FORCE_COLOR"] == "0"


def test_elsewhere_the_report_has_no_colours_and_any_width(world: World) -> None:
    env = environment_on(world, io.StringIO())
    assert env["FORCE_COLOR"] == "0"
    assert "COLUMNS" not in env


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("Unable to resolve AWS account to use.", AwsError),
        ("connect ECONNREFUSED 127.0.0.1:1", DeploymentError),
    ],
)
def test_a_comparison_that_failed_is_an_error_of_one_line(
    world: World, told: str, kind: type[AwsError] | type[DeploymentError]
) -> None:
    world.cdk.does(f"print({told!r}); print({told!r}); sys.exit(1)")
    chosen = world.target()
    with pytest.raises(kind) as caught:
        differences.find(chosen, chosen.stacks, shown_on=io.StringIO())
    assert caught.value.message.count(told) == 1
    assert "\n" not in caught.value.message
