"""Images: by digest only, with exactly the pull that they need."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Environment, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from cdk_constructs import ModelImage

DIGEST = "sha256:" + "0123456789abcdef" * 4
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
URI = f"{ECR}/team/churn@{DIGEST}"
REPOSITORY = "repository/team/churn"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
TOKEN = {"Action": "ecr:GetAuthorizationToken", "Effect": "Allow", "Resource": "*"}


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


def code(stack: Stack, image: ModelImage, **options: Any) -> dict[str, Any]:
    lambda_.DockerImageFunction(stack, "Function", code=image.bind_function(stack, **options))
    functions = Template.from_stack(stack).find_resources("AWS::Lambda::Function")
    properties: dict[str, Any] = next(iter(functions.values()))["Properties"]
    return properties


def test_an_image_of_a_repository_is_pulled_from_that_repository_alone(
    stack: Stack, role: iam.Role
) -> None:
    repository = ecr.Repository(stack, "Repository")

    uri = ModelImage.from_repository(repository, DIGEST).bind(stack, role)

    arn = stack.resolve(repository.repository_arn)
    assert statements(stack) == [{"Action": PULL, "Effect": "Allow", "Resource": arn}, TOKEN]
    assert stack.resolve(uri) == stack.resolve(f"{repository.repository_uri}@{DIGEST}")


def test_an_image_of_a_uri_is_pulled_from_its_repository_alone(
    stack: Stack, role: iam.Role
) -> None:
    uri = ModelImage.from_uri(URI).bind(stack, role)

    partition = {"Ref": "AWS::Partition"}
    arn = {"Fn::Join": ["", ["arn:", partition, f":ecr:eu-west-1:123456789012:{REPOSITORY}"]]}
    assert statements(stack) == [
        {"Action": sorted(PULL), "Effect": "Allow", "Resource": arn},
        TOKEN,
    ]
    assert uri == URI


def test_an_image_bound_twice_is_granted_once(stack: Stack, role: iam.Role) -> None:
    image = ModelImage.from_uri(URI)

    image.bind(stack, role)
    image.bind(stack, role)

    assert len(statements(stack)) == 2


@pytest.mark.parametrize(
    "registry",
    [
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
        "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com",
        "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com",
        "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov",
        "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu",
        "123456789012.dkr-ecr.eu-west-1.on.aws",
    ],
)
def test_a_registry_of_any_partition_is_one_of_ecr(
    stack: Stack, role: iam.Role, registry: str
) -> None:
    uri = f"{registry}/churn@{DIGEST}"

    assert ModelImage.from_uri(uri).bind(stack, role) == uri


@pytest.mark.parametrize(
    "uri",
    [
        f"{ECR}/churn:latest",
        f"{ECR}/churn",
        f"{ECR}/Churn@{DIGEST}",
        f"{ECR}/churn@{DIGEST[:-1]}",
        f"docker.io/library/churn@{DIGEST}",
        f"123456789012.dkr.ecr.eu-west-1.example.com/churn@{DIGEST}",
        f"123456789012.dkr.ecr.eu-west-1.amazonaws.com.example.com/churn@{DIGEST}",
        None,
        7,
    ],
)
def test_a_uri_that_names_no_image_of_aws_for_ever_is_refused(uri: Any) -> None:
    with pytest.raises(ValueError, match=r"^ModelImage: uri .*/NAME@sha256:DIGEST$"):
        ModelImage.from_uri(uri)


def test_a_uri_known_only_at_deployment_is_refused_with_the_way_out(stack: Stack) -> None:
    uri = CfnParameter(stack, "Image").value_as_string

    with pytest.raises(ValueError, match="must be known at synthesis; from_repository"):
        ModelImage.from_uri(uri)


@pytest.mark.parametrize("digest", ["latest", "sha256:12", DIGEST.upper(), None])
def test_a_tag_is_no_digest(stack: Stack, digest: Any) -> None:
    repository = ecr.Repository(stack, "Repository")

    with pytest.raises(ValueError, match='digest .*: must be "sha256:" and 64 hexadecimal'):
        ModelImage.from_repository(repository, digest)


def test_a_digest_known_only_at_deployment_is_taken(stack: Stack, role: iam.Role) -> None:
    repository = ecr.Repository(stack, "Repository")
    digest = CfnParameter(stack, "Digest").value_as_string

    uri = ModelImage.from_repository(repository, digest).bind(stack, role)

    assert stack.resolve(uri)["Fn::Join"][1][-2:] == ["@", {"Ref": "Digest"}]


def test_an_image_of_another_registry_needs_no_grant(stack: Stack, role: iam.Role) -> None:
    image = ModelImage.from_registry(f"registry.example.com/churn@{DIGEST}")

    assert image.bind(stack, role) == f"registry.example.com/churn@{DIGEST}"
    assert statements(stack) == []
    assert image.repository_access_mode == "Vpc"


def test_an_image_of_ecr_is_reached_through_the_platform() -> None:
    assert ModelImage.from_uri(URI).repository_access_mode == "Platform"


@pytest.mark.parametrize("uri", [None, 7, "registry.example.com/churn:latest"])
def test_an_image_of_another_registry_is_named_by_its_digest(uri: Any) -> None:
    with pytest.raises(ValueError, match="^ModelImage: uri .*: must be HOST/NAME@sha256:DIGEST$"):
        ModelImage.from_registry(uri)


def test_an_image_of_ecr_is_of_no_other_registry() -> None:
    with pytest.raises(ValueError, match="is one of ECR: from_uri grants the pull"):
        ModelImage.from_registry(URI)


@pytest.mark.parametrize("make", [ModelImage.from_uri, ModelImage.from_registry])
def test_a_uri_has_at_most_255_characters(make: Any) -> None:
    host = ECR if make is ModelImage.from_uri else "registry.example.com"
    fitting = f"{host}/{'a' * (255 - len(host) - len(DIGEST) - 2)}@{DIGEST}"

    make(fitting)

    with pytest.raises(ValueError, match="uri of 256 characters: must be at most 255"):
        make(fitting.replace("/", "/a", 1))


def images_of_ireland(scope: Stack) -> list[ModelImage]:
    arn = "arn:aws:ecr:eu-west-1:999999999999:repository/churn"
    imported = ecr.Repository.from_repository_attributes(
        scope, "Imported", repository_arn=arn, repository_name="churn"
    )
    return [ModelImage.from_uri(URI), ModelImage.from_repository(imported, DIGEST)]


@pytest.mark.parametrize("place", [0, 1])
def test_an_image_of_another_region_is_refused_for_models_and_functions(place: int) -> None:
    stack = Stack(App(), "Stack", env=Environment(account="123456789012", region="us-east-1"))
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    image = images_of_ireland(stack)[place]
    refusal = "^Stack: image in eu-west-1: must be in us-east-1, where the stack is$"

    with pytest.raises(ValueError, match=refusal):
        image.bind(stack, role)
    with pytest.raises(ValueError, match=refusal):
        image.bind_function(stack)
    assert statements(stack) == []


@pytest.mark.parametrize("place", [0, 1])
def test_an_image_of_another_account_in_the_region_is_taken(place: int) -> None:
    stack = Stack(App(), "Stack", env=Environment(account="111111111111", region="eu-west-1"))
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    image = images_of_ireland(stack)[place]

    assert DIGEST in image.bind(stack, role)
    assert "ImageUri" in code(stack, image)["Code"]


def test_lambda_takes_no_image_by_a_fips_endpoint(stack: Stack) -> None:
    image = ModelImage.from_uri(URI.replace("ecr.", "ecr-fips."))

    with pytest.raises(ValueError, match="^Stack: image .*: must be of no FIPS endpoint"):
        image.bind_function(stack)


def test_the_platform_is_known_of_an_asset_alone(tmp_path: Path) -> None:
    assert ModelImage.from_asset(str(tmp_path)).platform == "linux/amd64"
    assert ModelImage.from_asset(str(tmp_path), platform="linux/arm64").platform == "linux/arm64"
    assert ModelImage.from_uri(URI).platform is None


def test_lambda_takes_no_image_of_another_registry(stack: Stack) -> None:
    image = ModelImage.from_registry(f"registry.example.com/churn@{DIGEST}")

    with pytest.raises(ValueError, match="^Stack: image .*: Lambda pulls from ECR only$"):
        image.bind_function(stack)


def test_a_repository_of_the_app_lets_lambda_pull_for_ever(stack: Stack) -> None:
    repository = ecr.Repository(stack, "Repository")

    properties = code(stack, ModelImage.from_repository(repository, DIGEST))

    resource = Template.from_stack(stack).find_resources("AWS::ECR::Repository")
    policy = next(iter(resource.values()))["Properties"]["RepositoryPolicyText"]
    assert policy["Statement"] == [
        {"Action": PULL, "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    ]
    assert properties["Code"]["ImageUri"]["Fn::Join"][1][-1] == f"@{DIGEST}"


def test_lambda_gets_a_digest_known_only_at_deployment_as_a_digest(stack: Stack) -> None:
    repository = ecr.Repository(stack, "Repository")
    digest = CfnParameter(stack, "Digest").value_as_string

    properties = code(stack, ModelImage.from_repository(repository, digest))

    end = properties["Code"]["ImageUri"]["Fn::Join"][1][-2:]
    assert end == ["@sha256:", {"Fn::Select": [1, {"Fn::Split": [":", {"Ref": "Digest"}]}]}]


def test_two_functions_of_a_scope_may_run_the_same_uri(stack: Stack) -> None:
    image = ModelImage.from_uri(URI)
    image.bind_function(stack)

    properties = code(stack, image, command=["app.serve"])

    parts = properties["Code"]["ImageUri"]["Fn::Join"][1]
    assert parts[0] == "123456789012.dkr.ecr.eu-west-1."
    assert parts[-1] == f"/team/churn@{DIGEST}"
    assert properties["ImageConfig"] == {"Command": ["app.serve"]}


def test_an_asset_is_built_for_one_platform_and_pulled_from_its_repository(
    stack: Stack, role: iam.Role, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    image = ModelImage.from_asset(str(tmp_path), platform="linux/arm64")

    first, second = image.bind(stack, role), image.bind(stack, role)

    assert stack.resolve(first) == stack.resolve(second)
    repository, token = statements(stack)
    assert repository["Action"] == PULL
    assert "cdk-hnb659fds-container-assets" in str(repository["Resource"])
    assert token == TOKEN


def test_an_asset_is_also_the_code_of_a_function(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")

    properties = code(stack, ModelImage.from_asset(str(tmp_path)), command=["app.serve"])

    assert "container-assets" in str(properties["Code"]["ImageUri"])
    assert properties["ImageConfig"] == {"Command": ["app.serve"]}


def test_an_asset_has_a_platform_that_aws_runs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be one of linux/amd64, linux/arm64"):
        ModelImage.from_asset(str(tmp_path), platform="windows/amd64")  # type: ignore[arg-type]
