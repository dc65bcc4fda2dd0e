"""Archives of models: read with those before, and nothing else."""

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from cdk_constructs import ModelData


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Stack")


@pytest.fixture
def role(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))


def statements(stack: Stack) -> list[dict[str, Any]]:
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    return [
        statement
        for policy in policies.values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_of_a_bucket_an_archive_is_read(stack: Stack, role: iam.Role) -> None:
    bucket = s3.Bucket(stack, "Bucket")

    uri = ModelData.from_bucket(bucket, "model.tar.gz").bind(stack, role)

    arn = stack.resolve(bucket.arn_for_objects("model.tar.gz"))
    assert statements(stack) == [{"Action": "s3:GetObject", "Effect": "Allow", "Resource": arn}]
    name = stack.resolve(bucket.bucket_name)
    assert stack.resolve(uri) == {"Fn::Join": ["", ["s3://", name, "/model.tar.gz"]]}


def test_with_the_key_of_a_bucket_the_object_is_decrypted(stack: Stack, role: iam.Role) -> None:
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket(stack, "Bucket", encryption_key=key)

    ModelData.from_bucket(bucket, "model.tar.gz").bind(stack, role)

    arn = stack.resolve(key.key_arn)
    assert statements(stack)[1:] == [{"Action": "kms:Decrypt", "Effect": "Allow", "Resource": arn}]


def test_of_a_uri_archives_are_read_however_often_it_is_bound(stack: Stack, role: iam.Role) -> None:
    data = ModelData.from_uri("s3://models/churn/model.tar.gz")

    uris = {data.bind(stack, role), data.bind(stack, role)}

    partition = {"Ref": "AWS::Partition"}
    arn = {"Fn::Join": ["", ["arn:", partition, ":s3:::models/churn/*.tar.gz"]]}
    assert statements(stack) == [{"Action": "s3:GetObject", "Effect": "Allow", "Resource": arn}]
    assert uris == {"s3://models/churn/model.tar.gz"}


def test_with_the_key_of_a_uri_the_object_is_decrypted(stack: Stack, role: iam.Role) -> None:
    key = kms.Key(stack, "Key")

    ModelData.from_uri("s3://models/model.tar.gz", encryption_key=key).bind(stack, role)

    assert [each["Action"] for each in statements(stack)] == ["s3:GetObject", "kms:Decrypt"]


def test_of_a_uri_known_only_at_deployment_one_object_is_read(stack: Stack, role: iam.Role) -> None:
    uri = CfnParameter(stack, "Model").value_as_string

    bound = ModelData.from_uri(uri).bind(stack, role)

    rest = {"Fn::Select": [1, {"Fn::Split": ["s3://", {"Ref": "Model"}]}]}
    arn = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", rest]]}
    assert statements(stack)[0]["Resource"] == arn
    assert stack.resolve(bound) == {"Ref": "Model"}


def test_no_archive_has_no_uri_and_no_grant(stack: Stack, role: iam.Role) -> None:
    assert ModelData.none().bind(stack, role) is None
    assert statements(stack) == []


@pytest.mark.parametrize(
    "key",
    ["model.zip", "/model.tar.gz", "model/*.tar.gz", "a?.tar.gz", "${aws:x}.tar.gz", ".tar.gz"],
)
def test_a_key_that_is_no_archive_or_would_widen_the_grant_is_refused(
    stack: Stack, key: str
) -> None:
    bucket = s3.Bucket(stack, "Bucket")

    with pytest.raises(ValueError, match=r'^ModelData: key ".*": must end in \.tar\.gz'):
        ModelData.from_bucket(bucket, key)


@pytest.mark.parametrize("key", [None, 7])
def test_what_is_no_text_is_refused_by_name(stack: Stack, key: Any) -> None:
    bucket = s3.Bucket(stack, "Bucket")

    with pytest.raises(ValueError, match=f"^ModelData: key {key}: must end in"):
        ModelData.from_bucket(bucket, key)
    with pytest.raises(ValueError, match=f"^ModelData: uri {key}: must be s3://BUCKET/KEY"):
        ModelData.from_uri(key)


@pytest.mark.parametrize(
    "uri",
    [
        "https://models/model.tar.gz",
        "s3://models",
        "s3://models/model.pkl",
        "s3://models/*.tar.gz",
        "s3://Models/model.tar.gz",
    ],
)
def test_a_uri_that_is_no_archive_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match='^ModelData: uri ".*": must be s3://BUCKET/KEY'):
        ModelData.from_uri(uri)


def test_a_key_has_at_most_1024_bytes(stack: Stack) -> None:
    bucket = s3.Bucket(stack, "Bucket")
    fitting = "ä" * 508 + "a.tar.gz"

    ModelData.from_bucket(bucket, fitting)

    with pytest.raises(ValueError, match="key of 1025 bytes: must be at most 1024"):
        ModelData.from_bucket(bucket, f"a{fitting}")


class TestTheModelBefore:
    """What may be read while an update lasts or goes back."""

    @pytest.mark.parametrize("kind", ["uri", "bucket"])
    def test_archives_below_a_prefix_may_be_read(
        self, stack: Stack, role: iam.Role, kind: str
    ) -> None:
        # given
        bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "models")
        key = "churn/7/model.tar.gz"
        data = (
            ModelData.from_uri(f"s3://models/{key}", rollback_prefix="churn/")
            if kind == "uri"
            else ModelData.from_bucket(bucket, key, rollback_prefix="churn/")
        )
        # when
        bound = data.bind(stack, role)
        # then
        assert stack.resolve(bound) == f"s3://models/{key}"
        (read,) = statements(stack)
        assert read["Action"] == "s3:GetObject"
        assert read["Resource"]["Fn::Join"][1][-1].endswith(":s3:::models/churn/*.tar.gz")

    @pytest.mark.parametrize(
        ("key", "granted"),
        [
            ("churn/7/model.tar.gz", "churn/*.tar.gz"),
            ("churn.tar.gz", "churn.tar.gz"),
        ],
    )
    def test_archives_below_the_first_folder_may_be_read_by_default(
        self, stack: Stack, role: iam.Role, key: str, granted: str
    ) -> None:
        bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "models")

        ModelData.from_uri(f"s3://models/{key}").bind(stack, role)
        ModelData.from_bucket(bucket, key).bind(stack, role)

        (read,) = statements(stack)
        assert read["Resource"]["Fn::Join"][1][-1] == f":s3:::models/{granted}"

    def test_a_bucket_or_a_version_that_is_known_only_later_does_not_narrow_the_default(
        self, stack: Stack, role: iam.Role
    ) -> None:
        name, version = (CfnParameter(stack, each).value_as_string for each in ("Name", "Version"))

        ModelData.from_uri(f"s3://{name}/churn/{version}/model.tar.gz").bind(stack, role)

        (read,) = statements(stack)
        assert read["Resource"]["Fn::Join"][1][-2:] == [{"Ref": "Name"}, "/churn/*.tar.gz"]

    def test_of_a_folder_that_is_known_only_later_the_archive_alone_may_be_read(
        self, stack: Stack, role: iam.Role
    ) -> None:
        bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "models")
        folder = CfnParameter(stack, "Folder").value_as_string

        ModelData.from_bucket(bucket, f"{folder}/model.tar.gz").bind(stack, role)

        (read,) = statements(stack)
        assert read["Resource"]["Fn::Join"][1][-2:] == [{"Ref": "Folder"}, "/model.tar.gz"]

    @pytest.mark.parametrize("prefix", ["other/", "churn", "/", "*/", "churn/7/model.tar.gz"])
    def test_a_prefix_that_is_none_of_the_key_is_refused(self, prefix: str) -> None:
        with pytest.raises(ValueError, match="rollback_prefix"):
            ModelData.from_uri("s3://models/churn/7/model.tar.gz", rollback_prefix=prefix)

    def test_a_uri_that_is_known_only_later_has_no_prefix(self, stack: Stack) -> None:
        uri = CfnParameter(stack, "Uri").value_as_string
        with pytest.raises(ValueError, match="known at synthesis"):
            ModelData.from_uri(uri, rollback_prefix="churn/")
