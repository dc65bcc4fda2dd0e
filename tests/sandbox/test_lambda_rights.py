"""Lambda where rights are enforced: who may invoke, and whose role a function may have."""

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Start
from tests.sandbox.functions import REPOSITORY, Lambda
from tests.sandbox.iam import People, allow, missing

ARN = "arn:aws:lambda:eu-west-1:123456789012:function"


def test_who_may_invoke_what_is_said_by_policies_of_both_sides(start: Start) -> None:
    # given
    sandbox = start(enforce_iam=True)
    lambdas, people = Lambda(sandbox), People(sandbox)
    lambdas.push("1")
    lambdas.make("iris", Publish=True)
    lambdas.client.create_alias(FunctionName="iris", Name="live", FunctionVersion="1")
    ann = people.client("lambda", people.user("ann", allow("lambda:*", f"{ARN}:iris:live")))
    bob = people.client("lambda", people.user("bob"))
    lambdas.client.add_permission(
        FunctionName="iris", StatementId="bob", Action="lambda:InvokeFunction",
        Principal="arn:aws:iam::123456789012:user/bob",
    )  # fmt: skip
    # then
    live = {"FunctionName": "iris", "Qualifier": "live", "InvocationType": "DryRun"}
    latest = {"FunctionName": "iris", "InvocationType": "DryRun"}
    assert ann.invoke(**live)["StatusCode"] == 204
    assert missing(ann, "invoke", **latest) == f"lambda:InvokeFunction {ARN}:iris"
    assert bob.invoke(**latest)["StatusCode"] == 204
    assert missing(bob, "invoke", **live) == f"lambda:InvokeFunction {ARN}:iris:live"


def test_whoever_makes_a_function_must_be_allowed_to_pass_its_role(start: Start) -> None:
    # given
    sandbox = start(enforce_iam=True)
    lambdas, people = Lambda(sandbox), People(sandbox)
    lambdas.push("1")
    rights = allow(["lambda:CreateFunction", "ecr:*"])
    lambdas.client = people.client("lambda", people.user("ann", rights))
    request = {"FunctionName": "iris", "Role": lambdas.role, "PackageType": "Image"}
    code = {"ImageUri": f"{REPOSITORY}:1"}
    # then
    needed = missing(lambdas.client, "create_function", **request, Code=code)
    assert needed == f"iam:PassRole {lambdas.role}"
    # when
    lambdas.client = people.client("lambda", people.user("bob", rights, allow("iam:PassRole")))
    # then
    lambdas.make("iris")
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        lambdas.make("other", Role=lambdas.trusted("training", "sagemaker.amazonaws.com"))
