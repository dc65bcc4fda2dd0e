"""The CDK's own program against a sandbox: bootstrap, deploy, diff, destroy."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from odyssey.infra import toolkit
from odyssey.sandbox.clients import KEYS
from odyssey.sandbox.machines import Executor
from odyssey.sandbox.sandbox import Sandbox, Settings

ROLE = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds"
PLACE = "${AWS::AccountId}-${AWS::Region}"
STAGING = f"cdk-hnb659fds-assets-{PLACE}"


class NoExecutor:
    """Runs nothing."""

    name = "none"


@dataclass(frozen=True)
class App:
    """An app that is synthesized already: its one stack, and the sandbox that it goes to."""

    folder: Path
    url: str

    def write(self, template: dict[str, Any], *, bootstrapped: bool = False) -> None:
        """Write its assembly, as the default synthesizer does or as the legacy one."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "demo.template.json").write_text(json.dumps(template))
        properties: dict[str, Any] = {"templateFile": "demo.template.json"}
        artifacts: dict[str, Any] = {}
        stack = {"type": "aws:cloudformation:stack", "properties": properties}
        if bootstrapped:
            properties |= {
                "assumeRoleArn": f"{ROLE}-deploy-role-{PLACE}",
                "cloudFormationExecutionRoleArn": f"{ROLE}-cfn-exec-role-{PLACE}",
                "stackTemplateAssetObjectUrl": f"s3://{STAGING}/demo.json",
                "requiresBootstrapStackVersion": 6,
                "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version",
                "additionalDependencies": ["demo.assets"],
            }
            stack["dependencies"] = ["demo.assets"]
            artifacts["demo.assets"] = self._assets()
        artifacts["demo"] = {**stack, "environment": "aws://123456789012/eu-west-1"}
        manifest = {"version": "36.0.0", "artifacts": artifacts}
        (self.folder / "manifest.json").write_text(json.dumps(manifest))

    def cdk(self, *words: str) -> str:
        """Run the CDK over the assembly and return what it printed."""
        program = toolkit.find(self.folder, schema=0, path="")
        done = program.run(*words, assembly=self.folder, env=self._environment())
        assert done.code == 0, done.output
        return toolkit.plain(done.output)

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": KEYS.access, "aws_secret_access_key": KEYS.secret}
        return boto3.client(service, region_name="eu-west-1", endpoint_url=self.url, **keys)

    def _assets(self) -> dict[str, Any]:
        """Write what is to be published: the template itself."""
        destination = {
            "bucketName": STAGING,
            "objectKey": "demo.json",
            "assumeRoleArn": f"{ROLE}-file-publishing-role-{PLACE}",
        }
        source = {"path": "demo.template.json", "packaging": "file"}
        file = {"source": source, "destinations": {"here": destination}}
        manifest = {"version": "36.0.0", "files": {"demo": file}, "dockerImages": {}}
        (self.folder / "demo.assets.json").write_text(json.dumps(manifest))
        return {"type": "cdk:asset-manifest", "properties": {"file": "demo.assets.json"}}

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder.parent),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEYS.access,
            "AWS_SECRET_ACCESS_KEY": KEYS.secret,
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    folder = tmp_path / "sandbox"
    folder.mkdir()
    executor: Executor = NoExecutor()  # type: ignore[assignment]
    sandbox = Sandbox(Settings(folder), lambda _: executor)
    sandbox.start()
    yield App(tmp_path / "cdk.out", sandbox.url)
    sandbox.stop()


def template(value: str, path: str = "/one/") -> dict[str, Any]:
    """Return a template in which one resource changes in place, and another only by a new one."""
    trust = {"Version": "2012-10-17", "Statement": []}
    role = {"AssumeRolePolicyDocument": trust, "Path": path}
    text = {"Fn::Join": ["", [value, " ", {"Fn::GetAtt": ["Role", "Arn"]}]]}
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            "Value": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": text},
            },
        },
        "Outputs": {"Value": {"Value": {"Fn::GetAtt": ["Value", "Value"]}}},
    }


DEPLOY = ("deploy", "--require-approval", "never")


def test_a_stack_is_deployed_changed_compared_and_destroyed(app: App) -> None:
    # when
    app.write(template("first"))
    created = app.cdk(*DEPLOY)
    # then
    assert "demo.Value = first arn:aws:iam::123456789012:role/one/demo-Role-" in created
    assert "CREATE_COMPLETE" in created
    assert "There were no differences" in app.cdk("diff")
    # when: a change set for what is there already
    app.write(template("second", "/two/"))
    assert "requires replacement" in app.cdk("diff")
    assert "demo.Value = second arn:aws:iam::123456789012:role/two/" in app.cdk(*DEPLOY)
    assert "(no changes)" in app.cdk(*DEPLOY)
    # when: without a change set
    app.write(template("third", "/two/"))
    assert "demo.Value = third " in app.cdk(*DEPLOY, "--method=direct")
    # then
    assert "destroyed" in app.cdk("destroy", "--force")
    names = [each["RoleName"] for each in app.client("iam").list_roles()["Roles"]]
    assert names == []


def test_a_stack_that_fails_is_told_with_its_reason(app: App) -> None:
    # given
    location = {"LocationConstraint": "eu-west-1"}
    app.client("s3").create_bucket(Bucket="taken", CreateBucketConfiguration=location)
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "taken"}}
    app.write({"Resources": {"Bucket": bucket}})
    # when
    with pytest.raises(AssertionError) as failed:
        app.cdk(*DEPLOY)
    # then
    assert "taken already exists" in str(failed.value)
    assert "ROLLBACK_COMPLETE" in str(failed.value)


def test_an_account_is_bootstrapped_and_its_roles_deploy(app: App) -> None:
    # when
    app.write(template("first"), bootstrapped=True)
    assert "bootstrapped." in app.cdk("bootstrap", "aws://123456789012/eu-west-1")
    assert "(no changes)" in app.cdk("bootstrap", "aws://123456789012/eu-west-1")
    # then: the template goes through the bucket, and the stack acts as the role
    assert "demo.Value = first " in app.cdk(*DEPLOY)
    (stack,) = app.client("cloudformation").describe_stacks(StackName="demo")["Stacks"]
    assert stack["RoleARN"].endswith("role/cdk-hnb659fds-cfn-exec-role-123456789012-eu-west-1")
    assert "destroyed" in app.cdk("destroy", "--force")
