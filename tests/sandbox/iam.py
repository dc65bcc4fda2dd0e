"""Users and roles of a sandbox, and clients that ask as them."""

import json
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.exceptions import ClientError

from cdk_constructs import permissions
from odyssey.sandbox.clients import KEYS
from odyssey.sandbox.sandbox import Sandbox

REGION, ACCOUNT = "eu-west-1", "123456789012"


class People:
    """Makes users and roles as the root of a sandbox, and asks as any of them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.iam = self.client("iam")

    def client(self, service: str, access_key: str = KEYS.access) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.sandbox.url,
            aws_access_key_id=access_key,
            aws_secret_access_key=KEYS.secret,
        )

    def user(self, name: str, *statements: dict[str, Any]) -> str:
        """Make a user with a policy; return its access key."""
        self.iam.create_user(UserName=name)
        if statements:
            self.iam.put_user_policy(
                UserName=name, PolicyName="own", PolicyDocument=document(*statements)
            )
        return str(self.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"])

    def attach(self, user: str, commands: Sequence[str]) -> None:
        """Let a user run commands of the app iris."""
        documents = permissions.policies(commands, app="iris", region=REGION, account=ACCOUNT)
        for number, each in enumerate(documents):
            made = self.iam.create_policy(PolicyName=f"p{number}", PolicyDocument=json.dumps(each))
            self.iam.attach_user_policy(UserName=user, PolicyArn=made["Policy"]["Arn"])

    def role(self, name: str, trusted: dict[str, Any], *statements: dict[str, Any]) -> str:
        """Make a role that somebody may take on, with a policy; return its ARN."""
        trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        if statements:
            self.iam.put_role_policy(
                RoleName=name, PolicyName="own", PolicyDocument=document(*statements)
            )
        return str(made["Role"]["Arn"])

    def bucket(self, name: str, *keys: str) -> None:
        """Make a bucket with objects."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        for key in keys:
            s3.put_object(Bucket=name, Key=key, Body=b"1")


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def refusal(client: Any, operation: str, **parameters: Any) -> dict[str, Any]:
    """Return the error that a request is refused with; empty where it is answered."""
    try:
        getattr(client, operation)(**parameters)
    except ClientError as error:
        return dict(error.response["Error"], Status=status(error.response))
    return {}


def status(response: dict[str, Any]) -> int:
    return int(response["ResponseMetadata"]["HTTPStatusCode"])


def missing(client: Any, operation: str, **parameters: Any) -> str:
    """Return the action and the resource that a request is refused for; empty where it is not."""
    error = refusal(client, operation, **parameters)
    if error.get("Code") not in ("AccessDenied", "AccessDeniedException"):
        return ""
    told = str(error["Message"]).partition("to perform: ")[2]
    action, _, rest = told.partition(" on resource: ")
    return f"{action} {rest.split(' ')[0]}"
