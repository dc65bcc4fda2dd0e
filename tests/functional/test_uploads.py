"""A notebook's model on its way to S3."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from odyssey import artifacts, config, uploads
from odyssey.aws import Access
from odyssey.config import Config
from odyssey.errors import OdysseyError, UsageError
from tests.functional import buckets
from tests.functional.buckets import BUCKET, contents
from tests.functional.conftest import SmallApp

SERVE_PY = """
from pathlib import Path
def get_model(model_path):
    return (Path(model_path) / "model.pkl").read_bytes()
"""
ACCESS = Access(None, buckets.REGION)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with buckets.bucket(monkeypatch) as client:
        yield client


@pytest.fixture
def settings(small_app: SmallApp) -> Config:
    small_app.write("serve.py", SERVE_PY)
    return config.load(small_app.folder)


@pytest.fixture
def pickle(tmp_path: Path) -> Path:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"pickled")
    return path


def test_a_model_is_uploaded_under_its_digest_and_recorded(
    s3: Any, settings: Config, pickle: Path, tmp_path: Path
) -> None:
    # when
    made = uploads.upload_model(settings, ACCESS, [pickle], f"s3://{BUCKET}/models/")
    # then
    assert made.uri == f"s3://{BUCKET}/models/{made.digest[:12]}/model.tar.gz"
    [(key, body)] = contents(s3).items()
    assert made.uri.endswith(key)
    (tmp_path / "got").write_bytes(body)
    with tarfile.open(tmp_path / "got") as tar:
        assert tar.getnames() == ["model.pkl"]
    assert artifacts.load(settings.folder, None) == {"model": made.uri}
    assert config.load(settings.folder).artifacts.model == made.uri
    assert made.document() == {
        "model": made.uri,
        "files": ["model.pkl"],
        "bytes": len(body),
        "digest": f"sha256:{made.digest}",
        "recorded": True,
    }
    assert made.text() == made.uri


def test_by_default_a_model_goes_into_the_app_s_bucket(
    s3: Any, settings: Config, pickle: Path
) -> None:
    # given
    boto3.client("cloudformation").create_stack(
        StackName="small-foundation",
        TemplateBody=json.dumps(
            {
                "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
                "Outputs": {"BucketName": {"Value": BUCKET}},
            }
        ),
    )
    # when
    made = uploads.upload_model(settings, ACCESS, [pickle], None)
    # then
    assert made.uri.startswith(f"s3://{BUCKET}/model/")


def test_without_a_bucket_the_error_comes_before_the_work(
    s3: Any, settings: Config, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no bucket is known") as caught:
        uploads.upload_model(settings, ACCESS, [tmp_path / "missing"], None)
    assert "-m s3://BUCKET/PREFIX" in str(caught.value.hint)


@pytest.mark.parametrize("prefix", ["s3://the-bucket/my models", "s3://the-bucket/a*b"])
def test_a_prefix_that_no_endpoint_takes_is_refused(
    s3: Any, settings: Config, pickle: Path, prefix: str
) -> None:
    with pytest.raises(UsageError, match="must not have spaces"):
        uploads.upload_model(settings, ACCESS, [pickle], prefix)


def test_a_model_that_cannot_be_loaded_is_neither_uploaded_nor_recorded(
    s3: Any, settings: Config, tmp_path: Path
) -> None:
    (tmp_path / "other.pkl").write_text("x")
    with pytest.raises(OdysseyError, match="FileNotFoundError"):
        uploads.upload_model(settings, ACCESS, [tmp_path / "other.pkl"], f"s3://{BUCKET}/m")
    assert contents(s3) == {}
    assert artifacts.load(settings.folder, None) == {}


def test_an_upload_that_is_refused_is_not_recorded(settings: Config, pickle: Path, s3: Any) -> None:
    with pytest.raises(OdysseyError, match="there is no bucket elsewhere"):
        uploads.upload_model(settings, ACCESS, [pickle], "s3://elsewhere/m")
    assert artifacts.load(settings.folder, None) == {}


def test_a_dry_run_prints_the_request_and_sends_nothing(
    settings: Config, pickle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    key = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
    with_key = config.load(settings.folder, flags={"artifacts.kms_key": key})
    # when
    made = uploads.upload_model(with_key, ACCESS, [pickle], "s3://any/m", dry_run=True)
    # then
    request = made.document()["PutObject"]
    assert request["Bucket"] == "any"
    assert request["Key"] == f"m/{made.digest[:12]}/model.tar.gz"
    assert request["SSEKMSKeyId"] == key
    assert json.loads(made.text()) == made.document()
    assert artifacts.load(settings.folder, None) == {}


def test_an_archive_is_packed_anew_and_not_into_another(
    s3: Any, settings: Config, pickle: Path, tmp_path: Path
) -> None:
    # given
    by_hand = tmp_path / "by-hand.tar.gz"
    with tarfile.open(by_hand, "w:gz") as tar:
        tar.add(pickle, "./model.pkl")
    # when
    place = f"s3://{BUCKET}/m"
    made = uploads.upload_model(settings, ACCESS, [by_hand], place)
    # then
    assert made.files == ("model.pkl",)
    assert made.uri == uploads.upload_model(settings, ACCESS, [pickle], place).uri
