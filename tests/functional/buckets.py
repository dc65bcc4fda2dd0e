"""An AWS of moto's in this process, and what its S3 was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

REGION = "eu-west-1"
BUCKET = "the-bucket"


@contextmanager
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client for an S3 that has one empty bucket."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield client


def contents(client: Any) -> dict[str, bytes]:
    """Every object of the bucket."""
    listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {
        one["Key"]: client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
        for one in listed
    }


def noted(client: Any, operation: str) -> list[str]:
    """The keys of the requests for an operation that are sent from now on."""
    keys: list[str] = []
    client.meta.events.register(
        f"provide-client-params.s3.{operation}", lambda params, **_: keys.append(params["Key"])
    )
    return keys


def refuse(
    client: Any,
    operation: str,
    code: str = "AccessDenied",
    when: Callable[[str], bool] = lambda _: True,
) -> None:
    """Let S3 refuse an operation where its URL fits."""
    refusal = {"Error": {"Code": code, "Message": "because"}, "ResponseMetadata": {}}

    def answer(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        return (SimpleNamespace(status_code=403), refusal) if when(params["url"]) else None

    client.meta.events.register(f"before-call.s3.{operation}", answer)
