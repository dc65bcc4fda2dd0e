"""Permissions of commands, as data and as managed policies."""

import json
import subprocess
import sys
from fnmatch import fnmatchcase
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template
from cdk_nag import AwsSolutionsChecks

from cdk_constructs import DeployerPolicy
from cdk_constructs.permissions import COMMANDS, LIMIT, policies, policy, size

HERE = {"region": "eu-west-1", "account": "123456789012"}


def allows(document: dict[str, Any], action: str, resource: str, **context: str) -> bool:
    """Return whether a policy allows an action on a resource, with values of condition keys."""
    return any(
        any(fnmatchcase(action, each) for each in listed(statement["Action"]))
        and any(fnmatchcase(resource, each) for each in listed(statement["Resource"]))
        and all(
            context.get(key) == value
            for values in statement.get("Condition", {}).values()
            for key, value in values.items()
        )
        for statement in document["Statement"]
    )


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def key(name: str, value: str) -> dict[str, str]:
    return {name: value}


VIA = key("aws:CalledVia", "cloudformation.amazonaws.com")
TO_SAGEMAKER = key("iam:PassedToService", "sagemaker.amazonaws.com")
ROLE = "arn:aws:iam::123456789012:role/churn-foundation-TrainingRole-A1"


def test_permissions_load_nothing_of_the_cdk() -> None:
    program = (
        "import sys; import cdk_constructs.permissions; "
        "assert not {'aws_cdk', 'jsii', 'constructs'} & set(sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    "command", ["init start", "configure", "local train", "docker build", "docker test", "synth"]
)
def test_what_stays_on_this_machine_needs_nothing(command: str) -> None:
    assert policy([command], app="churn") == {"Version": "2012-10-17", "Statement": []}


def test_a_request_may_invoke_the_apps_endpoints_and_read_and_write_its_files() -> None:
    document = policy(["sagemaker invoke"], app="churn", bucket="files", **HERE)

    here = "eu-west-1:123456789012"
    assert document["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "cloudformation:DescribeStacks",
            "Resource": f"arn:aws:cloudformation:{here}:stack/churn-*/*",
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": f"arn:aws:kms:{here}:key/*",
            "Condition": {"StringLike": {"kms:ViaService": "s3.*"}},
        },
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": "arn:aws:s3:::files/*",
        },
        {
            "Effect": "Allow",
            "Action": ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointAsync"],
            "Resource": [
                f"arn:aws:sagemaker:{here}:endpoint/churn",
                f"arn:aws:sagemaker:{here}:endpoint/churn-*",
            ],
        },
    ]


def test_training_passes_the_apps_roles_to_sagemaker_alone() -> None:
    document = policy(["sagemaker train"], app="churn", **HERE)

    other = key("iam:PassedToService", "ec2.amazonaws.com")
    assert allows(document, "iam:PassRole", ROLE, **TO_SAGEMAKER)
    assert not allows(document, "iam:PassRole", ROLE, **other)
    assert not allows(document, "iam:PassRole", ROLE.replace("churn", "admin"), **TO_SAGEMAKER)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:CreateRole", ROLE),
        ("s3:CreateBucket", "arn:aws:s3:::churn-foundation-bucket-a1"),
        ("sagemaker:CreateModel", "arn:aws:sagemaker:eu-west-1:123456789012:model/Model-A1"),
        ("kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/1234"),
        ("lambda:CreateFunction", "arn:aws:lambda:eu-west-1:123456789012:function:churn-serve"),
        ("logs:CreateLogGroup", "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/churn"),
    ],
)
def test_what_a_deployment_makes_is_made_by_cloudformation_alone(
    action: str, resource: str
) -> None:
    document = policy(["deploy"], app="churn", **HERE)

    assert allows(document, action, resource, **VIA)
    assert not allows(document, action, resource)


def test_a_removal_makes_nothing() -> None:
    document = policy(["destroy"], app="churn", **HERE)

    names = {name for each in document["Statement"] for name in listed(each["Action"])}
    assert "sagemaker:DeleteEndpoint" in names
    assert not {name for name in names if name.split(":")[1].startswith(("Create", "Put"))}
    assert "iam:PassRole" not in names


def test_a_job_s_log_is_read_and_not_those_of_other_apps() -> None:
    document = policy(["sagemaker train"], app="churn", **HERE)

    streams = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/sagemaker/TrainingJobs:log-stream"
    assert allows(document, "logs:DescribeLogStreams", f"{streams}:")
    assert allows(document, "logs:GetLogEvents", f"{streams}:churn-20260102-030405/algo-1")
    assert not allows(document, "logs:GetLogEvents", f"{streams}:other-20260102-030405/algo-1")


def test_without_a_foundation_the_repository_is_made_under_the_app_s_name_alone() -> None:
    document = policy(["docker push"], app="churn", **HERE)

    repository = "arn:aws:ecr:eu-west-1:123456789012:repository"
    for name in ("CreateRepository", "TagResource"):
        assert allows(document, f"ecr:{name}", f"{repository}/churn")
        assert not allows(document, f"ecr:{name}", f"{repository}/other")


def test_who_deletes_the_endpoint_takes_nothing_of_what_stays() -> None:
    document = policy(["sagemaker delete"], app="churn", **HERE)

    here = "eu-west-1:123456789012"
    endpoint = f"arn:aws:sagemaker:{here}:endpoint/churn"
    assert allows(document, "sagemaker:DeleteEndpoint", endpoint, **VIA)
    assert allows(document, "iam:DeleteRole", ROLE, **VIA)
    for action, resource in (
        ("ecr:DeleteRepository", f"arn:aws:ecr:{here}:repository/churn"),
        ("s3:DeleteBucket", "arn:aws:s3:::churn-foundation-bucket-a1"),
        ("logs:DeleteLogGroup", f"arn:aws:logs:{here}:log-group:/aws/sagemaker/Endpoints/churn"),
    ):
        assert not allows(document, action, resource, **VIA)


def test_serving_on_sagemaker_needs_nothing_of_lambda() -> None:
    document = policy(["sagemaker serve"], app="churn")

    assert "lambda" not in json.dumps(document)


def test_in_a_bootstrapped_account_the_bootstraps_roles_deploy() -> None:
    document = policy(["deploy"], app="churn", bootstrapped=True, **HERE)

    assert allows(document, "sts:AssumeRole", "arn:aws:iam::123456789012:role/cdk-x-deploy")
    assert not allows(document, "sts:AssumeRole", ROLE)
    assert not allows(document, "iam:CreateRole", ROLE, **VIA)


def test_a_boundary_must_be_on_every_role_that_is_made() -> None:
    boundary = "arn:aws:iam::123456789012:policy/Bound"
    document = policy(["deploy"], app="churn", permissions_boundary=boundary, **HERE)

    bounded = {**VIA, "iam:PermissionsBoundary": boundary}
    assert allows(document, "iam:PutRolePolicy", ROLE, **bounded)
    assert not allows(document, "iam:PutRolePolicy", ROLE, **VIA)


def test_who_deploys_may_change_no_managed_policy_not_even_its_own_or_a_boundary() -> None:
    boundary = "arn:aws:iam::123456789012:policy/churn-boundary"
    document = policy(COMMANDS, app="churn", permissions_boundary=boundary, **HERE)

    own = "arn:aws:iam::123456789012:policy/churn-foundation-DeployerPolicyB0DA4A79-A1"
    for name in ("CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "SetDefaultPolicyVersion"):
        assert not allows(document, f"iam:{name}", own, **VIA)
        assert not allows(document, f"iam:{name}", boundary, **VIA)


def test_a_grant_on_a_key_is_made_for_services_of_aws_alone() -> None:
    document = policy(["deploy"], app="churn", **HERE)

    own = "arn:aws:kms:eu-west-1:123456789012:key/1234"
    for_aws = key("kms:GrantIsForAWSResource", "true")
    assert allows(document, "kms:CreateGrant", own, **VIA, **for_aws)
    assert not allows(document, "kms:CreateGrant", own, **VIA)


def test_an_endpoint_and_a_repository_may_have_names_of_their_own() -> None:
    names = {"repository": "team/images", "endpoint": "scores"}
    commands = ["deploy", "docker push", "sagemaker invoke", "sagemaker logs"]
    document = policy(commands, app="churn", **names, **HERE)

    here = "eu-west-1:123456789012"
    logs = f"arn:aws:logs:{here}:log-group:/aws/sagemaker/Endpoints/scores"
    assert allows(document, "sagemaker:InvokeEndpoint", f"arn:aws:sagemaker:{here}:endpoint/scores")
    # Whether a name is that of a job is asked of an endpoint's name, too.
    job = f"arn:aws:sagemaker:{here}:training-job/scores"
    assert allows(document, "sagemaker:DescribeTrainingJob", job)
    assert allows(document, "ecr:PutImage", f"arn:aws:ecr:{here}:repository/team/images")
    assert allows(document, "logs:CreateLogGroup", logs, **VIA)
    assert allows(document, "logs:GetLogEvents", f"{logs}:log-stream:AllTraffic/i-1")
    for action, resource in (
        ("sagemaker:InvokeEndpoint", f"arn:aws:sagemaker:{here}:endpoint/churn"),
        ("ecr:PutImage", f"arn:aws:ecr:{here}:repository/churn"),
    ):
        assert not allows(document, action, resource)


def test_functions_may_have_names_of_their_own() -> None:
    names = {"serve_function": "flowers"}
    commands = ["lambda serve", "lambda invoke", "lambda logs"]
    document = policy(commands, app="churn", **names, **HERE)

    here = "eu-west-1:123456789012"
    logs = f"arn:aws:logs:{here}:log-group:/aws/lambda/flowers"
    for name in ("flowers", "flowers:live", "churn-train", "churn-train:live"):
        arn = f"arn:aws:lambda:{here}:function:{name}"
        assert allows(document, "lambda:InvokeFunction", arn)
        assert allows(document, "lambda:UpdateFunctionCode", arn, **VIA)
    assert allows(document, "logs:CreateLogGroup", logs, **VIA)
    assert allows(document, "logs:GetLogEvents", f"{logs}:log-stream:2026/01/02/[$LATEST]1")
    other = f"arn:aws:lambda:{here}:function:flowers-of-others"
    assert not allows(document, "lambda:InvokeFunction", other)


def test_serving_on_lambda_passes_roles_to_lambda_and_to_its_schedule_alone() -> None:
    document = policy(["lambda serve"], app="churn", **HERE)

    role = "arn:aws:iam::123456789012:role/churn-function-Role"
    for service, taken in (("lambda", True), ("scheduler", True), ("sagemaker", False)):
        to = {"iam:PassedToService": f"{service}.amazonaws.com"}
        assert allows(document, "iam:PassRole", role, **to) is taken
    assert "sagemaker" not in json.dumps(document).replace("/aws/sagemaker", "")


def test_what_cloudformation_cuts_of_a_long_name_is_still_the_apps() -> None:
    app = "a" * 31
    document = policy(["sagemaker train"], app=app, **HERE)

    cut = f"arn:aws:iam::123456789012:role/{app[:24]}-TrainingRole-A1"
    assert allows(document, "iam:PassRole", cut, **TO_SAGEMAKER)


def test_the_resources_are_of_the_partition() -> None:
    document = policy(COMMANDS, app="churn", partition="aws-cn", **HERE)

    named = [arn for each in document["Statement"] for arn in listed(each["Resource"])]
    assert {arn.split(":")[1] for arn in named if arn != "*"} == {"aws-cn"}


def test_no_two_statements_could_be_one() -> None:
    statements = policy(COMMANDS, app="churn")["Statement"]

    for member in ("Resource", "Action"):
        others = [json.dumps({**each, member: None}, sort_keys=True) for each in statements]
        assert len(set(others)) == len(statements)


def test_the_order_of_commands_makes_no_difference() -> None:
    assert policy(COMMANDS, app="churn") == policy(COMMANDS[::-1], app="churn")


@pytest.mark.parametrize("bootstrapped", [True, False])
@pytest.mark.parametrize("app", ["ab", "a" * 31])
def test_every_document_fits_a_managed_policy_and_nothing_is_lost(
    app: str, bootstrapped: bool
) -> None:
    options: dict[str, Any] = {"app": app, "bootstrapped": bootstrapped, "bucket": "b" * 63}
    options |= {"partition": "aws-us-gov", "region": "ap-southeast-2", "account": "1" * 12}

    documents = policies(COMMANDS, **options)

    assert all(size(document) <= LIMIT for document in documents)
    together = [statement for document in documents for statement in document["Statement"]]
    assert together == policy(COMMANDS, **options)["Statement"]


def test_an_unknown_command_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        ValueError, match="^commands fly: must be of init start, configure, doctor, tour, "
    ):
        policy(["deploy", "fly"], app="churn")


@pytest.mark.parametrize("app", ["", "a", "*", "Churn", "a*", "a" * 32, "a-"])
def test_a_name_that_would_widen_the_policy_is_refused(app: str) -> None:
    with pytest.raises(ValueError, match='^app ".*": must be 2 to 31 lower-case'):
        policy(["deploy"], app=app)


@pytest.mark.parametrize(
    "argument", ["bucket", "repository", "endpoint", "train_function", "serve_function"]
)
@pytest.mark.parametrize("name", ["*", "churn*", "ch?rn", "${aws:username}", ""])
def test_a_name_of_its_own_names_one_resource(argument: str, name: str) -> None:
    with pytest.raises(ValueError, match=f'^permissions: {argument} ".*": must be letters'):
        policy(["deploy"], app="churn", **{argument: name})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def stack() -> Stack:
    app = App()
    stack = Stack(app, "Stack")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    principal = iam.AccountRootPrincipal()
    role = iam.Role(stack, "Role", assumed_by=principal)
    user, group = iam.User(stack, "User"), iam.Group(stack, "Group")
    attached = DeployerPolicy(stack, "Policy", app="churn", permissions_boundary="arn:aws:iam::b")
    attached.attach_to_role(role)
    attached.attach_to_user(user)
    attached.attach_to_group(group)
    return stack


def test_a_policy_that_is_too_long_comes_in_parts_that_are_attached_together(
    stack: Stack,
) -> None:
    parts = Template.from_stack(stack).find_resources("AWS::IAM::ManagedPolicy")

    assert len(parts) == 3
    for part in parts.values():
        assert len(part["Properties"]["Roles"]) == 1
        assert len(part["Properties"]["Users"]) == 1
        assert len(part["Properties"]["Groups"]) == 1


def test_the_parts_are_of_the_stacks_own_account_and_region(stack: Stack) -> None:
    passed = {
        "Action": "iam:PassRole",
        "Effect": "Allow",
        "Condition": {"StringEquals": TO_SAGEMAKER},
        "Resource": {
            "Fn::Join": [
                "",
                [
                    "arn:",
                    {"Ref": "AWS::Partition"},
                    ":iam::",
                    {"Ref": "AWS::AccountId"},
                    ":role/churn-*",
                ],
            ]
        },
    }
    statements = Match.array_with([passed])
    Template.from_stack(stack).has_resource_properties(
        "AWS::IAM::ManagedPolicy", {"PolicyDocument": {"Statement": statements}}
    )


def test_a_policy_can_be_printed() -> None:
    names = {"repository": "images", "endpoint": "scores"}
    commands = ["docker push", "sagemaker invoke"]
    made = DeployerPolicy(Stack(App(), "Stack"), "Policy", app="churn", commands=commands, **names)

    assert made.policy_document == policy(commands, app="churn", **names)
    assert len(made.parts) == 1
