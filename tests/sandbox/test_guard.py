"""IAM in a sandbox: what users, roles and services may do."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from cdk_constructs import permissions
from odyssey.sandbox.calls import Call, ServiceError
from odyssey.sandbox.iam.identities import Principal, session_of
from tests.sandbox.conftest import Start
from tests.sandbox.iam import (
    ACCOUNT,
    REGION,
    People,
    allow,
    deny,
    document,
    missing,
    refusal,
)

GOLDEN = Path(__file__).parents[1] / "template/golden/real-time"
SAGEMAKER = {"Service": "sagemaker.amazonaws.com"}
FILES = "arn:aws:s3:::iris-files"


@pytest.fixture
def people(start: Start) -> People:
    return People(start(enforce_iam=True))


def commands(*names: str) -> list[dict[str, Any]]:
    found = permissions.policy(names, app="iris", region=REGION, account=ACCOUNT)
    return list(found["Statement"])


def test_who_has_no_policy_may_do_nothing(people: People) -> None:
    key = people.user("ann")
    told = refusal(people.client("sagemaker", key), "list_models")
    assert told["Code"] == "AccessDeniedException"
    assert told["Status"] == 400
    assert told["Message"] == (
        f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: "
        "sagemaker:ListModels on resource: * because no identity-based policy allows the "
        "sagemaker:ListModels action"
    )


def test_each_service_refuses_with_its_own_code(people: People) -> None:
    key = people.user("ann")
    for service, operation, code, status in (
        ("s3", "list_buckets", "AccessDenied", 403),
        ("iam", "list_roles", "AccessDenied", 403),
        ("cloudformation", "describe_stacks", "AccessDenied", 403),
        ("sns", "list_topics", "AccessDenied", 403),
        ("ec2", "describe_vpcs", "UnauthorizedOperation", 403),
        ("ecr", "describe_repositories", "AccessDeniedException", 400),
        ("logs", "describe_log_groups", "AccessDeniedException", 400),
        ("cloudwatch", "describe_alarms", "AccessDeniedException", 400),
        ("lambda", "list_functions", "AccessDeniedException", 403),
    ):
        told = refusal(people.client(service, key), operation)
        assert (told["Code"], told["Status"]) == (code, status)
        assert "user/ann is not authorized to perform: " in told["Message"]


def test_a_large_upload_that_is_not_allowed_is_refused(people: People) -> None:
    people.bucket("iris-files")
    s3 = people.client("s3", people.user("ann"))
    told = missing(s3, "put_object", Bucket="iris-files", Key="a", Body=b"x" * 3_000_000)
    assert told == f"s3:PutObject {FILES}/a"


def test_the_root_may_do_everything(people: People) -> None:
    assert people.client("sagemaker").list_models()["Models"] == []


def test_who_runs_a_command_may_do_what_it_needs_and_no_more(people: People) -> None:
    # given
    for bucket in ("iris-files", "other-files"):
        people.bucket(bucket, "input/data/1")
    key = people.user("ann", *commands("sagemaker upload"))
    s3 = people.client("s3", key)
    # when
    s3.put_object(Bucket="iris-files", Key="input/data/2", Body=b"2")
    listed = s3.list_objects_v2(Bucket="iris-files", Prefix="input/")
    # then
    assert [each["Key"] for each in listed["Contents"]] == ["input/data/1", "input/data/2"]
    assert missing(s3, "get_object", Bucket="iris-files", Key="input/data/1")
    assert missing(s3, "put_object", Bucket="other-files", Key="input/data/2", Body=b"2")
    assert missing(s3, "list_objects_v2", Bucket="other-files")
    assert missing(s3, "delete_object", Bucket="iris-files", Key="input/data/1")
    assert missing(people.client("sagemaker", key), "list_training_jobs")


def test_a_model_is_made_with_a_role_that_may_be_passed(people: People) -> None:
    # given
    ours, other = (people.role(name, SAGEMAKER) for name in ("iris-training", "other"))
    client = people.client("sagemaker", people.user("ann", *commands("sagemaker batch-transform")))
    tags = [{"Key": "odyssey:temporary", "Value": "true"}]
    container = {"Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/iris:1"}
    model = {"PrimaryContainer": container, "Tags": tags}
    # when
    refused = missing(client, "create_model", ModelName="iris-1", ExecutionRoleArn=other, **model)
    foreign = missing(client, "create_model", ModelName="churn-1", ExecutionRoleArn=ours, **model)
    client.create_model(ModelName="iris-1", ExecutionRoleArn=ours, **model)
    # then
    assert refused == f"iam:PassRole {other}"
    assert foreign.startswith("sagemaker:CreateModel ")
    assert client.describe_model(ModelName="iris-1")["ExecutionRoleArn"] == ours


def test_a_role_is_passed_to_the_service_that_is_meant_alone(people: People) -> None:
    # given
    role = people.role("iris-training", SAGEMAKER)
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    key = people.user("ann", allow("sagemaker:*"), allow("iam:PassRole", role, Condition=to_lambda))
    # when
    told = missing(
        people.client("sagemaker", key), "create_model", ModelName="m", ExecutionRoleArn=role
    )
    # then
    assert told == f"iam:PassRole {role}"


def test_the_role_of_our_stack_reads_its_models_and_nothing_else(people: People) -> None:
    # given
    template = json.loads((GOLDEN / "iris-endpoint.template.json").read_text())
    resources = template["Resources"].values()
    (policy,) = (each["Properties"] for each in resources if each["Type"] == "AWS::IAM::Policy")
    role = people.role("model", SAGEMAKER)
    people.iam.put_role_policy(
        RoleName="model",
        PolicyName="own",
        PolicyDocument=json.dumps(resolved(policy["PolicyDocument"])),
    )
    for bucket in ("iris-models", "other-models"):
        people.bucket(bucket, "jobs/1/model.tar.gz", "jobs/1/notes.txt")
    # when
    s3 = people.sandbox.clients.client("s3", REGION, role)
    logs = people.sandbox.clients.client("logs", REGION, role)
    found = s3.get_object(Bucket="iris-models", Key="jobs/1/model.tar.gz")
    # then
    assert found["Body"].read() == b"1"
    assert missing(s3, "get_object", Bucket="iris-models", Key="jobs/1/notes.txt")
    assert missing(s3, "get_object", Bucket="other-models", Key="jobs/1/model.tar.gz")
    assert missing(s3, "put_object", Bucket="iris-models", Key="jobs/1/model.tar.gz", Body=b"2")
    logs.create_log_group(logGroupName="/aws/sagemaker/Endpoints/iris")
    assert missing(logs, "create_log_group", logGroupName="/aws/lambda/iris")


def resolved(value: Any) -> Any:
    """Return a part of a template with what CloudFormation would put into it."""
    if isinstance(value, list):
        return [resolved(each) for each in value]
    if not isinstance(value, dict):
        return value
    known = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
    if "Ref" in value:
        return known[value["Ref"]]
    if "Fn::Join" in value:
        return "".join(resolved(value["Fn::Join"][1]))
    return {name: resolved(each) for name, each in value.items()}


def test_who_deploys_needs_no_more_than_the_policy_for_it(people: People) -> None:
    # given
    key = people.user("ann")
    people.attach("ann", ["deploy"])
    client = people.client("cloudformation", key)
    # when
    client.create_stack(
        StackName="iris-foundation",
        TemplateBody=(GOLDEN / "iris-foundation.template.json").read_text(),
        Capabilities=["CAPABILITY_IAM"],
    )
    waiter = client.get_waiter("stack_create_complete")
    waiter.wait(StackName="iris-foundation", WaiterConfig={"Delay": 0.2, "MaxAttempts": 200})
    # then: CloudFormation made what the user may not make without it
    report = {each["arn"]: each for each in people.sandbox.guard.report()["principals"]}
    told = report[f"arn:aws:iam::{ACCOUNT}:user/ann"]
    assert told["denied"] == []
    assert {"s3:CreateBucket", "iam:PutRolePolicy"} <= {each["action"] for each in told["used"]}
    assert missing(people.client("s3", key), "create_bucket", Bucket="iris-foundation-2")


def test_a_denial_wins_over_what_a_group_and_a_managed_policy_allow(people: People) -> None:
    # given
    people.bucket("iris-files", "a", "secret")
    key = people.user("ann", deny("s3:*", f"{FILES}/secret"))
    made = people.iam.create_policy(
        PolicyName="list", PolicyDocument=document(allow("s3:ListBucket"))
    )
    people.iam.attach_user_policy(UserName="ann", PolicyArn=made["Policy"]["Arn"])
    people.iam.create_group(GroupName="readers")
    people.iam.put_group_policy(
        GroupName="readers", PolicyName="read", PolicyDocument=document(allow("s3:GetObject"))
    )
    s3 = people.client("s3", key)
    before = missing(s3, "get_object", Bucket="iris-files", Key="a")
    # when
    people.iam.add_user_to_group(GroupName="readers", UserName="ann")
    # then
    assert before
    assert not missing(s3, "get_object", Bucket="iris-files", Key="a")
    assert not missing(s3, "list_objects_v2", Bucket="iris-files")
    told = refusal(s3, "get_object", Bucket="iris-files", Key="secret")
    assert told["Message"].endswith("with an explicit deny in an identity-based policy")


def test_the_newest_version_of_a_managed_policy_counts(people: People) -> None:
    # given
    made = people.iam.create_policy(PolicyName="p", PolicyDocument=document(allow("sns:*")))
    arn = made["Policy"]["Arn"]
    key = people.user("ann")
    people.iam.attach_user_policy(UserName="ann", PolicyArn=arn)
    sns, sqs = (people.client(service, key) for service in ("sns", "sqs"))
    assert not missing(sns, "list_topics")
    # when
    people.iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=document(allow("sqs:*")), SetAsDefault=True
    )
    # then
    assert missing(sns, "list_topics")
    assert not missing(sqs, "list_queues")


def test_the_policy_of_a_bucket_denies_and_allows(people: People) -> None:
    # given
    people.bucket("iris-files", "a", "secret:a/b")
    who = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    everything = [FILES, f"{FILES}/*"]
    people.client("s3").put_bucket_policy(
        Bucket="iris-files",
        Policy=document(
            deny("s3:*", everything, Principal="*", Condition=plain),
            allow("s3:GetObject", f"{FILES}/*", Principal=who),
            deny("s3:GetObject", f"{FILES}/secret*", Principal="*"),
        ),
    )
    ann, bob = (people.client("s3", people.user(name)) for name in ("ann", "bob"))
    # then
    assert not missing(ann, "get_object", Bucket="iris-files", Key="a")
    assert missing(bob, "get_object", Bucket="iris-files", Key="a")
    assert missing(ann, "put_object", Bucket="iris-files", Key="a", Body=b"2")
    told = refusal(ann, "get_object", Bucket="iris-files", Key="secret:a/b")
    assert told["Message"].endswith("with an explicit deny in a resource-based policy")


def test_a_bucket_that_encrypts_takes_rights_on_its_key(people: People) -> None:
    # given
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
    people.bucket("iris-files")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    people.client("s3").put_bucket_encryption(
        Bucket="iris-files",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
        },
    )
    by_s3 = {"StringLike": {"kms:ViaService": "s3.*"}}
    without = people.user("ann", allow("s3:*"))
    encrypting = people.user("bob", allow("s3:*"), allow("kms:Gen*", key, Condition=by_s3))
    ann, bob = (people.client("s3", each) for each in (without, encrypting))
    # then
    put = {"Bucket": "iris-files", "Key": "a", "Body": b"1"}
    assert missing(ann, "put_object", **put) == f"kms:GenerateDataKey {key}"
    assert not missing(bob, "put_object", **put)
    assert missing(bob, "get_object", Bucket="iris-files", Key="a") == f"kms:Decrypt {key}"


def test_a_role_s_boundary_limits_it(people: People) -> None:
    # given
    made = people.iam.create_policy(PolicyName="bound", PolicyDocument=document(allow("sns:*")))
    role = people.role("r", {"AWS": ACCOUNT}, allow("*"))
    people.iam.put_role_permissions_boundary(
        RoleName="r", PermissionsBoundary=made["Policy"]["Arn"]
    )
    sns, sqs = (people.sandbox.clients.client(name, REGION, role) for name in ("sns", "sqs"))
    # then
    assert not missing(sns, "list_topics")
    told = refusal(sqs, "list_queues")
    assert "because no permissions boundary allows the sqs:ListQueues action" in told["Message"]


def test_a_role_that_must_be_made_with_a_boundary_is_not_made_without_it(people: People) -> None:
    # given
    bound = f"arn:aws:iam::{ACCOUNT}:policy/bound"
    condition = {"StringEquals": {"iam:PermissionsBoundary": bound}}
    rights = allow(["iam:CreateRole", "iam:PutRolePolicy"], Condition=condition)
    iam = people.client("iam", people.user("ann", rights))
    people.role("free", {"AWS": ACCOUNT})
    role = {"RoleName": "r", "AssumeRolePolicyDocument": document()}
    inline = {"PolicyName": "p", "PolicyDocument": document(allow("*"))}
    # then
    assert missing(iam, "create_role", **role)
    assert not missing(iam, "create_role", **role, PermissionsBoundary=bound)
    assert not missing(iam, "put_role_policy", RoleName="r", **inline)
    assert missing(iam, "put_role_policy", RoleName="free", **inline)


def test_a_role_is_taken_on_by_whom_it_trusts_and_who_may(people: People) -> None:
    # given
    trusting = people.role("trusting", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, allow("sns:*"))
    of_service = people.role("of-service", SAGEMAKER, allow("sns:*"))
    may, may_not = people.user("ann", allow("sts:AssumeRole")), people.user("bob")
    session = {"RoleSessionName": "one"}
    # when
    ann, bob = (people.client("sts", key) for key in (may, may_not))
    made = ann.assume_role(RoleArn=trusting, **session)
    # then
    told = refusal(bob, "assume_role", RoleArn=trusting, **session)
    assert (told["Code"], told["Status"]) == ("AccessDenied", 403)
    assert missing(ann, "assume_role", RoleArn=of_service, **session)
    assert missing(ann, "assume_role", RoleArn=trusting + "-not", **session)
    key = made["Credentials"]["AccessKeyId"]
    identity = people.client("sts", key).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/trusting/one"
    assert not missing(people.client("sns", key), "list_topics")
    assert missing(people.client("sqs", key), "list_queues")


def test_a_session_is_limited_by_the_policy_it_was_made_with(people: People) -> None:
    # given
    role = people.role("r", {"AWS": ACCOUNT}, allow("*"))
    # when
    made = people.client("sts").assume_role(
        RoleArn=role, RoleSessionName="one", Policy=document(allow("sns:*"))
    )
    # then
    key = made["Credentials"]["AccessKeyId"]
    assert not missing(people.client("sns", key), "list_topics")
    told = refusal(people.client("sqs", key), "list_queues")
    assert "because no session policy allows the sqs:ListQueues action" in told["Message"]


def test_a_limit_that_would_be_overlooked_is_refused(people: People) -> None:
    role = people.role("r", {"AWS": ACCOUNT})
    arns = [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]
    session = {"RoleArn": role, "RoleSessionName": "one"}
    told = refusal(people.client("sts"), "assume_role", **session, PolicyArns=arns)
    assert "not by PolicyArns" in told["Message"]


def test_a_service_acts_for_whoever_asked_it(people: People) -> None:
    # given
    by = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
    key = people.user("ann", allow("sns:ListTopics", Condition=by))
    identities = people.sandbox.identities
    # when
    keys = identities.via(identities.principal(key), "cloudformation.amazonaws.com")
    # then
    assert missing(people.client("sns", key), "list_topics")
    assert not missing(people.client("sns", keys.access), "list_topics")
    assert identities.via(identities.principal(key), "cloudformation.amazonaws.com") == keys
    identity = people.client("sts", keys.access).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ann"


def test_a_service_takes_on_a_role_that_trusts_it(people: People) -> None:
    # given
    role = people.role("r", SAGEMAKER)
    guard = people.sandbox.guard
    source = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/iris-1"
    condition = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:*"},
    }
    trust = {"Effect": "Allow", "Principal": SAGEMAKER, "Action": "sts:AssumeRole"}
    people.iam.update_assume_role_policy(
        RoleName="r", PolicyDocument=document({**trust, "Condition": condition})
    )
    # then
    guard.require_trust(role, "sagemaker.amazonaws.com", {"aws:SourceArn": source})
    for given, service, context in (
        (role, "sagemaker.amazonaws.com", {"aws:SourceArn": "arn:aws:sagemaker:x:y:z"}),
        (role, "lambda.amazonaws.com", {"aws:SourceArn": source}),
        (role + "-not", "sagemaker.amazonaws.com", {"aws:SourceArn": source}),
    ):
        with pytest.raises(ServiceError, match="Could not assume role"):
            guard.require_trust(given, service, context)


def test_a_right_may_depend_on_the_tags_of_a_resource(people: People) -> None:
    # given
    role = people.role("r", SAGEMAKER)
    root = people.client("sagemaker")
    for app in ("iris", "churn"):
        container = {"Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{app}:1"}
        root.create_model(
            ModelName=app,
            ExecutionRoleArn=role,
            PrimaryContainer=container,
            Tags=[{"Key": "App", "Value": app}],
        )
    ours = {"StringEquals": {"aws:ResourceTag/App": "iris"}}
    client = people.client("sagemaker", people.user("ann", allow("sagemaker:*", Condition=ours)))
    # then
    assert not missing(client, "describe_model", ModelName="iris")
    assert missing(client, "describe_model", ModelName="churn")


def test_what_is_no_request_is_checked_too(people: People) -> None:
    # given
    image = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/iris"
    role = people.role("r", SAGEMAKER, allow("ecr:BatchGetImage", image))
    principal = session_of(role, "one", "")
    guard = people.sandbox.guard
    # then
    guard.require(principal, "ecr:BatchGetImage", image)
    with pytest.raises(ServiceError, match="not authorized to perform: ecr:BatchGetImage") as told:
        guard.require(principal, "ecr:BatchGetImage", f"{image}-not")
    assert told.value.code == "AccessDeniedException"


def test_what_is_not_understood_denies_and_says_why(people: People) -> None:
    # given
    role = people.role("r", {"AWS": ACCOUNT}, allow("*"))
    odd = document(allow("*"), deny("*", Condition={"StringResembles": {"a:b": "c"}}))
    session = Principal(f"{role}/one", role=role, policy=odd)
    # then
    with pytest.raises(ServiceError, match="not know the condition operator StringResembles"):
        people.sandbox.guard.require(session, "sns:ListTopics", "*")


def test_without_enforcement_everybody_may_do_everything(start: Start) -> None:
    # given
    people = People(start())
    client = people.client("sagemaker", people.user("ann"))
    # when
    client.list_models()
    # then
    found = {each["arn"]: each for each in people.sandbox.guard.report()["principals"]}
    (told,) = found[f"arn:aws:iam::{ACCOUNT}:user/ann"]["would_deny"]
    assert told == {"action": "sagemaker:ListModels", "resource": "*", "count": 1}


def test_a_check_costs_less_than_a_millisecond(people: People) -> None:
    # given: the longest policies that there are
    key = people.user("ann")
    people.attach("ann", permissions.COMMANDS)
    sandbox = people.sandbox
    parameters = {"Bucket": "iris-files", "Key": "input/data/1"}
    # when
    spent = []
    for _ in range(100):
        start = time.process_time()
        call = Call("s3", "PutObject", REGION, parameters, sandbox.identities.principal(key))
        sandbox.guard.check(call)
        spent.append(time.process_time() - start)
    # then
    assert sorted(spent)[50] < 0.001
