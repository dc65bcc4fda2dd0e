"""What goes into S3, and what does not go there twice."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odyssey import storage
from odyssey.console import Progress
from odyssey.errors import AwsError, InterruptedByUserError, UsageError
from odyssey.storage import Uri
from tests.functional import buckets
from tests.functional.buckets import BUCKET, contents, noted, refuse

PLACE = Uri(BUCKET, "input/data/training")
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with buckets.bucket(monkeypatch) as client:
        yield client


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.csv").write_text("1,2")
    (folder / "deep" / "b.csv").write_text("3")
    (folder / ".DS_Store").write_text("rubbish")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("rubbish")
    return folder


def test_a_folder_s_files_are_sent_without_the_hidden_ones(s3: Any, data: Path) -> None:
    # when
    made = storage.upload(s3, data, PLACE)
    # then
    assert contents(s3) == {
        "input/data/training/a.csv": b"1,2",
        "input/data/training/deep/b.csv": b"3",
    }
    assert made == storage.Upload(PLACE / "", files=2, bytes=4, skipped=0)
    assert str(made.uri) == f"s3://{BUCKET}/input/data/training/"


def test_a_file_is_sent_under_its_name(s3: Any, data: Path) -> None:
    made = storage.upload(s3, data / "a.csv", PLACE)
    assert contents(s3) == {"input/data/training/a.csv": b"1,2"}
    assert str(made.uri) == f"s3://{BUCKET}/input/data/training/a.csv"
    assert made.uri == storage.destination(data / "a.csv", PLACE)


def test_what_is_there_already_is_not_sent_again(s3: Any, data: Path) -> None:
    # given
    storage.upload(s3, data, PLACE)
    sent = noted(s3, "PutObject")
    # when
    made = storage.upload(s3, data, PLACE)
    # then
    assert sent == []
    assert (made.files, made.skipped) == (2, 2)


def test_an_object_of_another_size_is_sent_again(s3: Any, data: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="input/data/training/a.csv", Body=b"half an upload")
    storage.upload(s3, data, PLACE)
    assert contents(s3)["input/data/training/a.csv"] == b"1,2"


def test_an_upload_that_failed_is_finished_by_the_next(s3: Any, data: Path) -> None:
    # given
    calm = [True]
    refuse(s3, "PutObject", when=lambda url: calm[0] and "b.csv" in url)
    with pytest.raises(AwsError, match="PutObject: AccessDenied") as caught:
        storage.upload(s3, data, PLACE)
    assert caught.value.exit_code == 5
    # when
    calm[0] = False
    sent = noted(s3, "PutObject")
    made = storage.upload(s3, data, PLACE)
    # then
    assert sent == ["input/data/training/deep/b.csv"]
    assert (made.files, made.skipped) == (2, 1)


def test_who_may_not_list_the_bucket_sends_everything(s3: Any, data: Path) -> None:
    storage.upload(s3, data, PLACE)
    refuse(s3, "ListObjectsV2")
    assert storage.upload(s3, data, PLACE).skipped == 0


def test_a_listing_that_fails_otherwise_is_an_error(s3: Any, data: Path) -> None:
    refuse(s3, "ListObjectsV2", "InvalidAccessKeyId")
    with pytest.raises(AwsError, match="does not take the credentials"):
        storage.upload(s3, data, PLACE)


def test_a_large_file_is_sent_in_parts(s3: Any, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(9_000_000))
    parts = noted(s3, "UploadPart")
    storage.upload(s3, large, PLACE)
    assert len(parts) == 2
    assert contents(s3)["input/data/training/large"] == large.read_bytes()


def test_the_parts_of_a_large_file_that_failed_are_taken_away(s3: Any, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(9_000_000))
    refuse(s3, "UploadPart", when=lambda url: "partNumber=2" in url)
    with pytest.raises(AwsError, match="UploadPart: AccessDenied"):
        storage.upload(s3, large, PLACE)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    assert contents(s3) == {}


def test_files_are_encrypted_by_the_key_that_is_given(s3: Any, data: Path) -> None:
    storage.upload(s3, data / "a.csv", PLACE, kms_key=KEY)
    head = s3.head_object(Bucket=BUCKET, Key="input/data/training/a.csv")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", KEY)


def test_a_bucket_that_is_not_there_is_an_error_that_says_so(s3: Any, data: Path) -> None:
    with pytest.raises(AwsError, match="there is no bucket elsewhere") as caught:
        storage.upload(s3, data, Uri("elsewhere", "x"))
    assert "odyssey deploy" in str(caught.value.hint)


@pytest.mark.parametrize("names", [[], [".gitkeep"]])
def test_a_folder_without_files_is_an_error(s3: Any, tmp_path: Path, names: list[str]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for name in names:
        (empty / name).touch()
    with pytest.raises(UsageError, match="no file in it"):
        storage.upload(s3, empty, PLACE)


def test_what_is_no_file_is_an_error_before_anything_is_sent(s3: Any, data: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        storage.upload(s3, data / "missing", PLACE)
    os.mkfifo(data / "pipe")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        storage.upload(s3, data, PLACE)
    (data / "pipe").unlink()
    (data / "link").symlink_to(data / "gone")
    with pytest.raises(UsageError, match="broken link"):
        storage.upload(s3, data, PLACE)
    assert contents(s3) == {}


def test_a_key_that_is_too_long_is_an_error_before_anything_is_sent(s3: Any, data: Path) -> None:
    with pytest.raises(UsageError, match="1024 is the limit"):
        storage.upload(s3, data, Uri(BUCKET, "x" * 1018))
    assert contents(s3) == {}


def test_links_are_followed_but_not_round_in_circles(s3: Any, data: Path, tmp_path: Path) -> None:
    # given
    (data / "again").symlink_to(data, target_is_directory=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "c.csv").write_text("4")
    (data / "linked").symlink_to(other, target_is_directory=True)
    # when
    storage.upload(s3, data, Uri(BUCKET, "p"))
    # then
    assert set(contents(s3)) == {"p/a.csv", "p/deep/b.csv", "p/linked/c.csv"}


def test_a_name_that_is_no_text_is_an_error(s3: Any, data: Path) -> None:
    Path(os.fsdecode(bytes(data) + b"/\xff")).write_text("x")
    with pytest.raises(UsageError, match="no UTF-8"):
        storage.upload(s3, data, PLACE)


def test_an_upload_shows_how_far_it_is_and_what_it_did(s3: Any, data: Path) -> None:
    # given
    stream = io.StringIO()
    progress = Progress("Uploading data", every=0, stream=stream, live=False)
    # when
    storage.upload(s3, data, PLACE, progress=progress)
    # then
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("Uploading data [")
    assert "of 4 B" in lines[0]
    last = f"Uploaded 2 files (4 B) to s3://{BUCKET}/input/data/training/ in 0 s"
    assert lines[-1] == last


def test_ctrl_c_leaves_what_is_sent_and_says_how_to_go_on(s3: Any, data: Path) -> None:
    class Impatient(Progress):
        def tick(self) -> float:
            raise KeyboardInterrupt

    with pytest.raises(InterruptedByUserError) as caught:
        storage.upload(s3, data, PLACE, progress=Impatient("x", stream=io.StringIO()))
    assert "sends what is missing" in str(caught.value.hint)


def test_an_object_is_none_until_it_is_written(s3: Any) -> None:
    # given
    uri = PLACE / "request"
    assert storage.read(s3, uri) is None
    assert storage.size(s3, uri) is None
    # when
    storage.write(s3, uri, b"1,2", "text/csv", kms_key=KEY)
    # then
    assert storage.read(s3, uri) == b"1,2"
    assert storage.size(s3, uri) == 3
    head = s3.head_object(Bucket=BUCKET, Key=uri.key)
    assert (head["ContentType"], head["SSEKMSKeyId"]) == ("text/csv", KEY)


def test_reading_that_is_refused_is_an_error_and_not_none(s3: Any) -> None:
    refuse(s3, "GetObject")
    with pytest.raises(AwsError, match="GetObject: AccessDenied"):
        storage.read(s3, PLACE / "x")


def test_the_same_files_have_the_same_hash_wherever_they_are(data: Path, tmp_path: Path) -> None:
    # given
    other = tmp_path / "other"
    (other / "deep").mkdir(parents=True)
    (other / "deep" / "b.csv").write_text("3")
    (other / "a.csv").write_text("1,2")
    # then
    assert storage.content_hash(data) == storage.content_hash(other) == "88928a01da3a"


@pytest.mark.parametrize("change", ["name", "content", "more", "less", "moved"])
def test_other_files_have_another_hash(data: Path, change: str) -> None:
    # given
    before = storage.content_hash(data)
    # when
    if change == "name":
        (data / "a.csv").rename(data / "c.csv")
    elif change == "content":
        (data / "a.csv").write_text("1,3")
    elif change == "more":
        (data / "c.csv").write_text("")
    elif change == "less":
        (data / "a.csv").unlink()
    else:
        (data / "deep" / "b.csv").rename(data / "b.csv")
    # then
    assert storage.content_hash(data) != before


def test_a_single_file_has_a_hash_of_its_name_and_content(tmp_path: Path) -> None:
    for name, text in (("a", "x"), ("b", "x"), ("c", "y")):
        (tmp_path / name).write_text(text)
    assert len({storage.content_hash(tmp_path / name) for name in "abc"}) == 3
