"""What the CDK's report of differences is cut into."""

from __future__ import annotations

from pathlib import Path

import pytest

from odyssey import differences
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
    first, second = differences.find(chosen, chosen.stacks)
    # then
    assert first.document() == {
        "stack": "app-a",
        "differences": True,
        "text": "Stack app-a (aws://1/eu-west-1)\nResources\n[+] AWS::S3::Bucket app-b",
    }
    assert (second.exists, second.text) == (False, "Stack app-b\nThere were no differences")
    assert "CloudFormation made no change set" in capsys.readouterr().err


@pytest.mark.parametrize("colour", [True, False])
def test_colours_are_asked_for_or_forbidden(world: World, colour: bool) -> None:
    chosen = world.target()
    differences.find(chosen, chosen.stacks, method="template", colour=colour)
    (call,) = world.cdk.calls()
    assert call["env"]["FORCE_COLOR"] == str(int(colour))
    words = call["words"]
    assert words[:6] == ["diff", "--exclusively", "--method", "template", "app-a", "app-b"]


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
        differences.find(chosen, chosen.stacks)
    assert caught.value.message.count(told) == 1
    assert "\n" not in caught.value.message
