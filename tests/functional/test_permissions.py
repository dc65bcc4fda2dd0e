"""`odyssey permissions`."""

from collections.abc import Callable

from cdk_constructs import permissions
from tests.functional.conftest import Done, SmallApp

Run = Callable[..., Done]


def actions(done: Done) -> set[str]:
    found: set[str] = set()
    for statement in (each for part in done.document["policies"] for each in part["Statement"]):
        action = statement["Action"]
        found |= {action} if isinstance(action, str) else set(action)
    return found


def test_a_command_s_policy_is_for_this_app_alone(odyssey: Run, small_app: SmallApp) -> None:
    done = odyssey("permissions", "diff", "--output", "json", at=small_app.folder)
    assert (done.code, done.err) == (0, "")
    assert "cloudformation:GetTemplate" in actions(done)
    assert "cloudformation:DeleteStack" not in actions(done)
    ((statement,),) = (part["Statement"] for part in done.document["policies"])
    assert statement["Resource"].endswith(":stack/small-*/*")


def test_as_text_a_policy_is_what_iam_takes(odyssey: Run, small_app: SmallApp) -> None:
    done = odyssey("permissions", "diff", at=small_app.folder)
    assert done.document["Version"] == "2012-10-17"


def test_without_a_command_it_is_that_of_all_in_parts(odyssey: Run, small_app: SmallApp) -> None:
    # when
    done = odyssey("permissions", "--output", "json", at=small_app.folder)
    shown = odyssey("permissions", at=small_app.folder)
    # then
    assert done.code == 0
    assert {"cloudformation:DeleteStack", "sagemaker:InvokeEndpoint"} <= actions(done)
    parts = done.document["policies"]
    assert all(permissions.size(part) <= permissions.LIMIT for part in parts)
    assert f"{len(parts)} policies: together they are longer than the 6,144" in done.err
    assert shown.out.count('"Version": "2012-10-17"') == len(parts) > 1


def test_the_account_and_the_region_are_those_of_the_settings(
    odyssey: Run, small_app: SmallApp
) -> None:
    settings = (small_app.folder / "odyssey.toml").read_text()
    aws = '[aws]\naccount = "123456789012"\nregion = "eu-west-1"\n'
    small_app.write("odyssey.toml", settings + aws)
    done = odyssey("permissions", "sagemaker invoke", at=small_app.folder)
    assert "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/small" in done.out


def test_a_command_that_is_none_is_refused_with_those_that_are(
    odyssey: Run, small_app: SmallApp
) -> None:
    done = odyssey("permissions", "deplyo", at=small_app.folder)
    assert (done.code, done.out) == (2, "")
    assert "deplyo" in done.err
    assert "deploy" in done.err


def test_a_boundary_binds_whoever_deploys(odyssey: Run, small_app: SmallApp) -> None:
    # given
    settings = (small_app.folder / "odyssey.toml").read_text()
    small_app.write("odyssey.toml", settings + '[aws]\npermissions_boundary = "bound"\n')
    # when
    refused = odyssey("permissions", "deploy", at=small_app.folder)
    small_app.write(
        "odyssey.toml",
        settings + '[aws]\npermissions_boundary = "bound"\naccount = "123456789012"\n',
    )
    done = odyssey("permissions", "deploy", at=small_app.folder)
    # then
    assert refused.code == 2
    assert "is a name, and a policy takes its ARN" in refused.err
    assert '"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/bound"' in done.out
