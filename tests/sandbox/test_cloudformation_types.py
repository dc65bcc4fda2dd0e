"""The types of resources: made, changed, and gone, each by its own service."""

import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from odyssey.sandbox.cloudformation.replacement import CREATE_ONLY, NAMES
from odyssey.sandbox.cloudformation.resources import handlers
from odyssey.sandbox.cloudformation.resources.lifecycle import rules
from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox import registry_client
from tests.sandbox.serving import client
from tests.sandbox.stacks import Stacks, resource, role, template

GOLDEN = Path(__file__).parents[1] / "template" / "golden"
ALLOW = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
POLICY = {"Version": "2012-10-17", "Statement": [ALLOW]}

Ask = Callable[..., Any]


@pytest.fixture
def stacks(shared: Sandbox) -> Stacks:
    return Stacks(shared)


@pytest.fixture
def ask(stacks: Stacks) -> Ask:
    """Ask a service of the sandbox for something."""

    def ask(service: str, operation: str, **request: Any) -> Any:
        return getattr(client(stacks.sandbox, service), operation)(**request)

    return ask


def schema(kind: str) -> dict[str, Any]:
    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema)


def names(schema: dict[str, Any], key: str) -> set[str]:
    """Return properties of the first level of which a schema says something."""
    found = [path.removeprefix("/properties/") for path in schema.get(key, [])]
    return {name for name in found if "/" not in name}


@pytest.mark.parametrize("kind", sorted(handlers()))
def test_what_only_a_new_resource_can_have_is_what_the_schema_says(kind: str) -> None:
    wanted = names(schema(kind), "createOnlyProperties") & {*schema(kind)["properties"]}
    ours = CREATE_ONLY.get(kind, frozenset())
    # What no handler of ours takes can change nothing.
    not_taken = {
        "BucketNamePrefix",
        "BucketNamespace",
        "ProvisionedConcurrencyConfig",
        "RuntimePolicy",
        "TenancyConfig",
    }
    conditional = names(schema(kind), "conditionalCreateOnlyProperties")
    assert wanted - not_taken <= ours
    assert ours <= wanted | conditional


@pytest.mark.parametrize("kind", sorted(handlers()))
def test_attributes_and_required_properties_are_those_of_the_schema(kind: str) -> None:
    # given
    told = schema(kind)
    handler = handlers()[kind]
    # then
    readable = names(told, "readOnlyProperties") | {*told["properties"]}
    also = {"AWS::SNS::Topic": {"TopicName"}, "AWS::SQS::Queue": {"QueueName"}}
    assert {*handler.attributes} <= readable | also.get(kind, set())
    optional = {"AWS::SNS::Subscription": {"Endpoint"}}
    assert {*handler.required} - optional.get(kind, set()) <= {*told.get("required", [])}
    assert (NAMES.get(kind) is None) or NAMES[kind] in told["properties"]


def test_every_type_of_our_own_templates_is_known() -> None:
    found = set()
    for path in GOLDEN.glob("*/*.template.json"):
        made = json.loads(path.read_text())["Resources"]
        found |= {each["Type"] for each in made.values()}
    assert found
    assert found <= {*handlers()}


def test_a_bucket_has_what_its_properties_say(stacks: Stacks, ask: Ask) -> None:
    # given
    key = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    blocked = {"BlockPublicAcls": True, "BlockPublicPolicy": "true"}
    full = {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]},
        "LifecycleConfiguration": {"Rules": [{"Id": "a", "Status": "Enabled", "Prefix": "tmp/",
                                              "ExpirationInDays": "3"}]},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": blocked,
        "Tags": [{"Key": "a", "Value": "b"}],
        "VersioningConfiguration": {"Status": "Enabled"},
    }  # fmt: skip
    # when
    stacks.create(template(Bucket=resource("S3::Bucket", full)))
    # then
    bucket = {"Bucket": stacks.physical("Bucket")}
    assert ask("s3", "get_bucket_versioning", **bucket)["Status"] == "Enabled"
    encryption = ask("s3", "get_bucket_encryption", **bucket)
    (found,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert found["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key
    (found,) = ask("s3", "get_bucket_lifecycle_configuration", **bucket)["Rules"]
    assert (found["ID"], found["Expiration"]["Days"]) == ("a", 3)
    assert found["Filter"] == {"Prefix": "tmp/"}
    block = ask("s3", "get_public_access_block", **bucket)["PublicAccessBlockConfiguration"]
    assert block["BlockPublicPolicy"] is True
    # when: all of it is taken away
    stacks.update(template(Bucket=resource("S3::Bucket")))
    # then
    assert stacks.physical("Bucket") == bucket["Bucket"]
    assert ask("s3", "get_bucket_versioning", **bucket)["Status"] == "Suspended"
    for operation in ("get_bucket_lifecycle_configuration", "get_public_access_block"):
        with pytest.raises(Exception, match="NoSuch"):
            ask("s3", operation, **bucket)


@pytest.mark.parametrize(
    ("wanted", "rule"),
    [
        ({}, {"Filter": {"Prefix": ""}}),
        (
            {"TagFilters": [{"Key": "a", "Value": "b"}]},
            {"Filter": {"Tag": {"Key": "a", "Value": "b"}}},
        ),
        (
            {"TagFilters": [{"Key": "a", "Value": "b"}], "Prefix": "p/"},
            {"Filter": {"And": {"Tags": [{"Key": "a", "Value": "b"}], "Prefix": "p/"}}},
        ),
        (
            {"ObjectSizeGreaterThan": 5},
            {"Filter": {"ObjectSizeGreaterThan": 5}},
        ),
        (
            {"Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 3}]},
            {"Filter": {"Prefix": ""}, "Transitions": [{"StorageClass": "GLACIER", "Days": 3}]},
        ),
        (
            {"NoncurrentVersionExpirationInDays": 4, "ExpiredObjectDeleteMarker": True},
            {
                "Filter": {"Prefix": ""},
                "Expiration": {"ExpiredObjectDeleteMarker": True},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 4},
            },
        ),
    ],
)
def test_a_rule_of_a_lifecycle_is_written_as_s3_has_it(
    wanted: dict[str, Any], rule: dict[str, Any]
) -> None:
    assert rules([{"Status": "Enabled", **wanted}]) == [{"Status": "Enabled", **rule}]


def test_a_repository_has_what_its_properties_say(stacks: Stacks, ask: Ask) -> None:
    # given
    lifecycle = {"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged",
                 "countType": "imageCountMoreThan", "countNumber": 3},
                 "action": {"type": "expire"}}]}  # fmt: skip
    pull = {"Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    first = {
        "ImageTagMutability": "IMMUTABLE",
        "LifecyclePolicy": {"LifecyclePolicyText": json.dumps(lifecycle)},
        "RepositoryPolicyText": {"Version": "2012-10-17", "Statement": [pull]},
        "ImageScanningConfiguration": {"ScanOnPush": True},
        "EmptyOnDelete": True,
    }
    uri = {"Uri": {"Fn::GetAtt": "Repository.RepositoryUri"}}
    # when
    stacks.create(template(uri, Repository=resource("ECR::Repository", first)))
    # then
    name = stacks.physical("Repository")
    (found,) = ask("ecr", "describe_repositories", repositoryNames=[name])["repositories"]
    assert re.fullmatch(rf"{stacks.name}-repository-[a-z0-9]{{12}}", name)
    assert found["imageTagMutability"] == "IMMUTABLE"
    text = ask("ecr", "get_lifecycle_policy", repositoryName=name)["lifecyclePolicyText"]
    assert json.loads(text) == lifecycle
    assert stacks.outputs()["Uri"].endswith(f".dkr.ecr.eu-west-1.amazonaws.com/{name}")
    # when
    second = {"ImageTagMutability": "MUTABLE", "Tags": [{"Key": "a", "Value": "b"}]}
    stacks.update(template(uri, Repository=resource("ECR::Repository", second)))
    # then
    (found,) = ask("ecr", "describe_repositories", repositoryNames=[name])["repositories"]
    assert found["imageTagMutability"] == "MUTABLE"
    with pytest.raises(Exception, match="LifecyclePolicyNotFound"):
        ask("ecr", "get_lifecycle_policy", repositoryName=name)
    labels = ask("ecr", "list_tags_for_resource", resourceArn=found["repositoryArn"])["tags"]
    assert labels == [{"Key": "a", "Value": "b"}]


def test_a_role_has_its_policies(stacks: Stacks, ask: Ask) -> None:
    # given
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"

    def of(**properties: Any) -> dict[str, Any]:
        managed = resource("IAM::ManagedPolicy", {"PolicyDocument": POLICY})
        return template(Managed=managed, Role=role(**properties))

    own = {"PolicyName": "own", "PolicyDocument": POLICY}
    # when
    stacks.create(of(Policies=[own], ManagedPolicyArns=[{"Ref": "Managed"}], Description="one"))
    # then
    name = stacks.physical("Role")
    attached = ask("iam", "list_attached_role_policies", RoleName=name)["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [stacks.physical("Managed")]
    assert ask("iam", "list_role_policies", RoleName=name)["PolicyNames"] == ["own"]
    # when
    boundary = {"PermissionsBoundary": {"Ref": "Managed"}}
    labels = [{"Key": "a", "Value": "b"}]
    stacks.update(of(ManagedPolicyArns=[admin], Description="two", Tags=labels, **boundary))
    # then
    assert stacks.physical("Role") == name
    attached = ask("iam", "list_attached_role_policies", RoleName=name)["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [admin]
    assert ask("iam", "list_role_policies", RoleName=name)["PolicyNames"] == []
    found = ask("iam", "get_role", RoleName=name)["Role"]
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == stacks.physical("Managed")
    assert found["Tags"] == labels
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_a_managed_policy_gets_a_new_version(stacks: Stacks, ask: Ask) -> None:
    def of(action: str) -> dict[str, Any]:
        document = {**POLICY, "Statement": [{**ALLOW, "Action": action}]}
        return template(Managed=resource("IAM::ManagedPolicy", {"PolicyDocument": document}))

    # given
    stacks.create(of("s3:ListAllMyBuckets"))
    arn = stacks.physical("Managed")
    # when: more often than there may be versions
    for number in range(6):
        stacks.update(of(f"sqs:Action{number}"))
    # then
    version = ask("iam", "get_policy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = ask("iam", "get_policy_version", PolicyArn=arn, VersionId=version)["PolicyVersion"]
    assert found["Document"]["Statement"][0]["Action"] == "sqs:Action5"
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_a_policy_is_taken_from_whom_it_no_longer_names(stacks: Stacks, ask: Ask) -> None:
    def of(*names: str) -> dict[str, Any]:
        wanted = {"PolicyName": "own", "PolicyDocument": POLICY}
        wanted["Roles"] = [{"Ref": name} for name in names]
        return template(A=role(), B=role(), Policy=resource("IAM::Policy", wanted))

    # given
    stacks.create(of("A"))
    # when
    stacks.update(of("B"))
    # then
    for name, policies in (("A", []), ("B", ["own"])):
        found = ask("iam", "list_role_policies", RoleName=stacks.physical(name))
        assert found["PolicyNames"] == policies


def test_a_group_of_logs_keeps_them_as_long_as_it_says(stacks: Stacks, ask: Ask) -> None:
    def of(**properties: Any) -> dict[str, Any]:
        return template(Logs=resource("Logs::LogGroup", {"Tags": [], **properties}))

    stacks.create(of(RetentionInDays="7", Tags=[{"Key": "a", "Value": "b"}]))
    name = stacks.physical("Logs")

    def days() -> Any:
        (found,) = ask("logs", "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
        return found.get("retentionInDays")

    assert days() == 7
    stacks.update(of(RetentionInDays=30))
    assert days() == 30
    stacks.update(of())
    assert days() is None


def test_what_watches_and_scales_an_endpoint_follows_it(stacks: Stacks, ask: Ask) -> None:
    # given
    def of(most: int, threshold: float) -> dict[str, Any]:
        target = {
            "MinCapacity": 1,
            "MaxCapacity": most,
            "ResourceId": f"endpoint/{stacks.name}/variant/AllTraffic",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "ServiceNamespace": "sagemaker",
            "Tags": [{"Key": "most", "Value": str(most)}],
        }
        metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        tracking = {"TargetValue": threshold, "PredefinedMetricSpecification": metric}
        policy = {
            "PolicyName": "track",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": "Target"},
            "TargetTrackingScalingPolicyConfiguration": tracking,
        }
        alarm = {
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "EvaluationPeriods": 1,
            "MetricName": "Invocation5XXErrors",
            "Namespace": "AWS/SageMaker",
            "Period": 60,
            "Statistic": "Sum",
            "Threshold": threshold,
            "Tags": [{"Key": "most", "Value": str(most)}],
        }
        return template(
            Target=resource("ApplicationAutoScaling::ScalableTarget", target),
            Policy=resource("ApplicationAutoScaling::ScalingPolicy", policy),
            Alarm=resource("CloudWatch::Alarm", alarm),
            Board=resource("CloudWatch::Dashboard", {"DashboardBody": json.dumps({"w": most})}),
        )

    scaling = "application-autoscaling"
    stacks.create(of(2, 5))
    # when
    assert stacks.update(of(4, 7))["StackStatus"] == "UPDATE_COMPLETE"
    # then
    which = f"endpoint/{stacks.name}/variant/AllTraffic"
    targets = ask(scaling, "describe_scalable_targets", ServiceNamespace="sagemaker")
    (found,) = [e for e in targets["ScalableTargets"] if e["ResourceId"] == which]
    assert found["MaxCapacity"] == 4
    (found,) = ask(
        scaling, "describe_scaling_policies", ServiceNamespace="sagemaker", ResourceId=which
    )["ScalingPolicies"]
    assert found["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 7
    (found,) = ask("cloudwatch", "describe_alarms", AlarmNames=[stacks.physical("Alarm")])[
        "MetricAlarms"
    ]
    assert found["Threshold"] == 7
    labels = ask("cloudwatch", "list_tags_for_resource", ResourceARN=found["AlarmArn"])["Tags"]
    assert labels == [{"Key": "most", "Value": "4"}]
    board = ask("cloudwatch", "get_dashboard", DashboardName=stacks.physical("Board"))
    assert json.loads(board["DashboardBody"]) == {"w": 4}
    # when
    stacks.delete()
    # then
    targets = ask(scaling, "describe_scalable_targets", ServiceNamespace="sagemaker")
    assert which not in [each["ResourceId"] for each in targets["ScalableTargets"]]


def test_topics_queues_and_rules_lead_to_each_other(stacks: Stacks, ask: Ask) -> None:
    # given
    def of(delay: int, *, enabled: bool) -> dict[str, Any]:
        queue = {"VisibilityTimeout": 60, "DelaySeconds": delay}
        subscription = {
            "TopicArn": {"Ref": "Topic"},
            "Protocol": "sqs",
            "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
            "RawMessageDelivery": enabled,
        }
        rule = {
            "EventPattern": {"source": ["aws.sagemaker"]},
            "State": "ENABLED" if enabled else "DISABLED",
            "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
        }
        return template(
            {"Url": {"Ref": "Queue"}},
            Topic=resource("SNS::Topic", {"DisplayName": f"after {delay}"}),
            Queue=resource("SQS::Queue", queue),
            Subscription=resource("SNS::Subscription", subscription),
            Rule=resource("Events::Rule", rule),
        )

    stacks.create(of(1, enabled=False))
    # when
    assert stacks.update(of(2, enabled=True))["StackStatus"] == "UPDATE_COMPLETE"
    # then
    url = stacks.outputs()["Url"]
    told = ask("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["DelaySeconds"])
    assert told["Attributes"]["DelaySeconds"] == "2"
    topic = ask("sns", "get_topic_attributes", TopicArn=stacks.physical("Topic"))["Attributes"]
    assert topic["DisplayName"] == "after 2"
    assert ask("events", "describe_rule", Name=stacks.physical("Rule"))["State"] == "ENABLED"
    ask("sns", "publish", TopicArn=stacks.physical("Topic"), Message="hello")
    (message,) = ask("sqs", "receive_message", QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "hello"
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_keys_have_names_and_parameters_have_labels(stacks: Stacks, ask: Ask) -> None:
    # given
    def of(*, rotates: bool) -> dict[str, Any]:
        policy = {"Version": "2012-10-17", "Statement": [{**ALLOW, "Action": "kms:*"}]}
        key = {"EnableKeyRotation": rotates, "KeyPolicy": policy}
        alias = {"AliasName": f"alias/{stacks.name}", "TargetKeyId": {"Ref": "Key"}}
        value = {"Type": "String", "Value": {"Fn::GetAtt": "Key.Arn"}}
        return template(
            Key=resource("KMS::Key", key),
            Alias=resource("KMS::Alias", alias),
            Value=resource("SSM::Parameter", {**value, "Tags": {"rotates": str(rotates)}}),
            Told=resource("CDK::Metadata"),
        )

    stacks.create(of(rotates=False))
    # when
    stacks.update(of(rotates=True))
    # then
    key = stacks.physical("Key")
    assert ask("kms", "get_key_rotation_status", KeyId=key)["KeyRotationEnabled"] is True
    assert ask("kms", "describe_key", KeyId=f"alias/{stacks.name}")["KeyMetadata"]["KeyId"] == key
    labels = ask(
        "ssm", "list_tags_for_resource", ResourceType="Parameter",
        ResourceId=stacks.physical("Value"),
    )["TagList"]  # fmt: skip
    assert labels == [{"Key": "rotates", "Value": "True"}]
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"
    assert ask("kms", "describe_key", KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_a_function_has_versions_a_name_for_one_and_an_address(stacks: Stacks, ask: Ask) -> None:
    # given
    push(stacks, "app", "eu-west-1")

    def of(memory: int) -> dict[str, Any]:
        function = {
            "PackageType": "Image",
            "Code": {"ImageUri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1"},
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "MemorySize": memory,
            **({} if memory > 512 else {"ReservedConcurrentExecutions": 3, "Timeout": 9}),
            "Tags": [{"Key": "memory", "Value": str(memory)}],
        }
        alias = {
            "FunctionName": {"Ref": "Function"},
            "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
            "Name": "live",
        }
        url = {
            "AuthType": "AWS_IAM",
            "Qualifier": "live",
            "TargetFunctionArn": {"Fn::GetAtt": ["Function", "Arn"]},
        }
        permission = {
            "FunctionName": {"Ref": "Function"},
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
        }
        service = {"Effect": "Allow", "Action": "sts:AssumeRole",
                   "Principal": {"Service": "lambda.amazonaws.com"}}  # fmt: skip
        trust = {"Version": "2012-10-17", "Statement": [service]}
        return template(
            {"Url": {"Fn::GetAtt": ["Url", "FunctionUrl"]}},
            Role=resource("IAM::Role", {"AssumeRolePolicyDocument": trust}),
            Function=resource("Lambda::Function", function),
            Version=resource("Lambda::Version", {"FunctionName": {"Ref": "Function"}}),
            Alias=resource("Lambda::Alias", alias),
            Url=resource("Lambda::Url", url, DependsOn="Alias"),
            Permission=resource("Lambda::Permission", permission),
        )

    told = stacks.create(of(512))
    assert told["StackStatus"] == "CREATE_COMPLETE", stacks.failures()
    # when
    assert stacks.update(of(1024))["StackStatus"] == "UPDATE_COMPLETE"
    # then
    name = stacks.physical("Function")
    found = ask("lambda", "get_function", FunctionName=name)
    assert found["Configuration"]["MemorySize"] == 1024
    assert found["Configuration"]["Timeout"] == 3
    assert "Concurrency" not in found
    assert found["Tags"] == {"memory": "1024"}
    assert ask("lambda", "get_alias", FunctionName=name, Name="live")["FunctionVersion"] == "1"
    assert stacks.outputs()["Url"].startswith(stacks.sandbox.url)
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"


def push(stacks: Stacks, repository: str, region: str) -> str:
    """Push an image; return its digest."""
    ecr = client(stacks.sandbox, "ecr", region)
    with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=repository)
    registry = registry_client.Client(stacks.sandbox, registry_client.password(ecr))
    return registry.push(repository, "1", b"layer")


def test_the_functions_of_our_own_template_are_made(shared: Sandbox) -> None:
    # given
    region, golden = "ap-northeast-1", GOLDEN / "lambda"
    foundation, functions = Stacks(shared), Stacks(shared)
    for each in (foundation, functions):
        each.client = client(shared, "cloudformation", region)
    foundation.create((golden / "iris-foundation.template.json").read_text())
    made = (golden / "iris-function.template.json").read_text().replace("eu-west-1", region)
    digest = push(functions, "iris", region)
    # when
    told = functions.create(re.sub("sha256:[0-9a-f]{64}", digest, made))
    # then
    assert told["StackStatus"] == "CREATE_COMPLETE", functions.failures()
    ask = client(shared, "lambda", region)
    live = {"FunctionName": "iris-serve", "Qualifier": "live"}
    found = ask.get_function_configuration(**live)
    assert found["CodeSha256"] == digest.removeprefix("sha256:")
    assert found["ImageConfigResponse"]["ImageConfig"]["Command"] == ["app.serve"]
    assert found["LoggingConfig"]["LogGroup"] == "/aws/lambda/iris-serve"
    provisioned = ask.get_provisioned_concurrency_config(**live)
    assert provisioned["RequestedProvisionedConcurrentExecutions"] == 1
    once = ask.get_function_event_invoke_config(FunctionName="iris-train")
    assert once["MaximumRetryAttempts"] == 0
    schedules = client(shared, "scheduler", region).list_schedules()["Schedules"]
    assert [each["Target"]["Arn"] for each in schedules] == [
        functions.outputs()["TrainFunctionArn"]
    ]
    assert functions.delete()["StackStatus"] == "DELETE_COMPLETE", functions.failures()
    assert ask.list_functions()["Functions"] == []


@pytest.mark.parametrize("folder", sorted(path.name for path in GOLDEN.iterdir()))
def test_the_foundation_of_our_own_templates_is_made(stacks: Stacks, folder: str) -> None:
    # given: in a region of its own, as its exports and names are the same each time
    regions = (
        "eu-west-2", "eu-west-3", "eu-north-1", "eu-central-1", "us-west-2", "ca-central-1",
        "sa-east-1",
    )  # fmt: skip
    region = regions[sorted(path.name for path in GOLDEN.iterdir()).index(folder)]
    stacks.client = client(stacks.sandbox, "cloudformation", region)
    made = (GOLDEN / folder / "iris-foundation.template.json").read_text()
    boundary = client(stacks.sandbox, "iam")
    if "ml-boundary" in made:
        document = json.dumps(POLICY)
        boundary.create_policy(PolicyName="ml-boundary", PolicyDocument=document)
    # when
    told = stacks.create(made)
    # then
    assert told["StackStatus"] == "CREATE_COMPLETE", stacks.failures()
    refusal = stacks.refusal("update_stack", **stacks.request(made))
    assert refusal == ("ValidationError", "No updates are to be performed.")
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_what_the_service_does_not_take_is_refused(stacks: Stacks) -> None:
    # given
    alias = {
        "FunctionName": "nobodys",
        "FunctionVersion": "1",
        "Name": "live",
        "Nickname": "prod",
    }
    # when
    stacks.create(template(Alias=resource("Lambda::Alias", alias)))
    # then
    reason = stacks.reason("Alias", "CREATE_FAILED")
    assert reason == "Encountered unsupported property Nickname"


def test_names_are_cut_to_what_a_service_takes(stacks: Stacks) -> None:
    # given
    stacks.name = f"{stacks.name}-{'long' * 20}"
    # when
    stacks.create(template(**{"ABucketWithALongName": resource("S3::Bucket"), "ARole": role()}))
    # then
    bucket, name = stacks.physical("ABucketWithALongName"), stacks.physical("ARole")
    assert (len(bucket), len(name)) == (63, 64)
    assert bucket == bucket.lower()
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"
