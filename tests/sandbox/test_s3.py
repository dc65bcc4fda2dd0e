"""S3's objects are files: uploads, downloads and copies of any size pass."""

import base64
import hashlib
import http.client
import io
import time
import tracemalloc
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from boto3.s3.transfer import S3Transfer
from botocore.exceptions import ClientError
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum

from odyssey.sandbox.s3.bodies import GRACE, PIECE, Bodies, Body
from odyssey.sandbox.sandbox import Sandbox

MIB = 1 << 20
SMALL = b"small"
LARGE = bytes(range(256)) * (3 * MIB // 256) + b"the end"

BOTH = pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])


@pytest.fixture
def s3(sandbox: Sandbox) -> Any:
    """A client, and a bucket that is called "data"."""
    client = sandbox.clients.client("s3", "us-east-1")
    client.create_bucket(Bucket="data")
    return client


def files(sandbox: Sandbox) -> list[Path]:
    """The files of objects."""
    return [path for path in sandbox.settings.folder.glob("objects*/*") if path.is_file()]


def read(s3: Any, key: str, **more: Any) -> bytes:
    with closing(s3.get_object(Bucket="data", Key=key, **more)["Body"]) as body:
        return bytes(body.read())


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@BOTH
def test_an_object_comes_back_as_it_was_put(s3: Any, body: bytes) -> None:
    put = s3.put_object(
        Bucket="data", Key="a/b c.bin", Body=body, ContentType="text/plain", Metadata={"who": "me"}
    )

    got = s3.get_object(Bucket="data", Key="a/b c.bin")
    head = s3.head_object(Bucket="data", Key="a/b c.bin")

    assert got["Body"].read() == body
    assert got["ETag"] == put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert got["ContentType"] == "text/plain"
    assert got["Metadata"] == {"who": "me"}
    assert got["ContentLength"] == head["ContentLength"] == len(body)


@BOTH
def test_a_range_is_answered_with_those_bytes_alone(s3: Any, body: bytes) -> None:
    s3.put_object(Bucket="data", Key="k", Body=body)

    first = s3.get_object(Bucket="data", Key="k", Range="bytes=1-3")

    assert first["Body"].read() == body[1:4]
    assert first["ContentRange"] == f"bytes 1-3/{len(body)}"
    assert first["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert read(s3, "k", Range="bytes=-4") == body[-4:]
    assert read(s3, "k", Range="bytes=2-") == body[2:]
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket="data", Key="k", Range=f"bytes={len(body)}-")
    assert code(refused) == "InvalidRange"


@BOTH
def test_conditions_and_overrides_of_a_download_are_kept(s3: Any, body: bytes) -> None:
    etag = s3.put_object(Bucket="data", Key="k", Body=body)["ETag"]

    with pytest.raises(ClientError) as not_modified:
        s3.get_object(Bucket="data", Key="k", IfNoneMatch=etag)
    with pytest.raises(ClientError) as failed:
        s3.get_object(Bucket="data", Key="k", IfMatch='"other"')
    with pytest.raises(ClientError) as missing:
        s3.get_object(Bucket="data", Key="no such key")
    got = s3.get_object(Bucket="data", Key="k", ResponseContentType="image/png")

    assert code(not_modified) == "304"
    assert code(failed) == "PreconditionFailed"
    assert code(missing) == "NoSuchKey"
    assert (got["ContentType"], got["Body"].read()) == ("image/png", body)


def test_each_version_has_its_own_body(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})

    old = s3.put_object(Bucket="data", Key="k", Body=LARGE)["VersionId"]
    new = s3.put_object(Bucket="data", Key="k", Body=SMALL)["VersionId"]
    s3.delete_object(Bucket="data", Key="k")

    assert read(s3, "k", VersionId=old) == LARGE
    assert read(s3, "k", VersionId=new) == SMALL
    with pytest.raises(ClientError) as gone:
        s3.get_object(Bucket="data", Key="k")
    assert code(gone) == "NoSuchKey"


@BOTH
def test_a_copy_outlives_what_it_was_copied_from(s3: Any, body: bytes) -> None:
    s3.put_object(Bucket="data", Key="from", Body=body, Tagging="a=1")

    copied = s3.copy_object(
        Bucket="data", Key="to", CopySource="data/from", ChecksumAlgorithm="SHA256"
    )
    s3.put_object(Bucket="data", Key="from", Body=b"something else")
    s3.delete_object(Bucket="data", Key="from")

    sha256 = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert read(s3, "to") == body
    assert copied["CopyObjectResult"]["ChecksumSHA256"] == sha256
    assert s3.get_object_tagging(Bucket="data", Key="to")["TagSet"] == [{"Key": "a", "Value": "1"}]


def test_parts_become_one_object(s3: Any) -> None:
    s3.put_object(Bucket="data", Key="source", Body=LARGE)
    first, second = LARGE * 2, LARGE[10 : 2 * MIB]
    upload = s3.create_multipart_upload(Bucket="data", Key="k", ChecksumAlgorithm="CRC32")
    this = {"Bucket": "data", "Key": "k", "UploadId": upload["UploadId"]}

    one = s3.upload_part(**this, PartNumber=1, Body=first)
    two = s3.upload_part_copy(
        **this, PartNumber=2, CopySource="data/source", CopySourceRange=f"bytes=10-{2 * MIB - 1}"
    )["CopyPartResult"]
    parts = [{"PartNumber": 1, "ETag": one["ETag"]}, {"PartNumber": 2, "ETag": two["ETag"]}]
    done = s3.complete_multipart_upload(**this, MultipartUpload={"Parts": parts})

    md5s = hashlib.md5(first).digest() + hashlib.md5(second).digest()
    crcs = b"".join(zlib.crc32(part).to_bytes(4, "big") for part in (first, second))
    crc = base64.b64encode(zlib.crc32(crcs).to_bytes(4, "big")).decode()
    assert done["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-2"'
    got = s3.get_object(Bucket="data", Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == first + second
    assert got["ChecksumCRC32"] == f"{crc}-2"


def test_a_list_of_parts_is_checked(s3: Any) -> None:
    this = {"Bucket": "data", "Key": "k"}
    this["UploadId"] = s3.create_multipart_upload(**this)["UploadId"]
    etag = s3.upload_part(**this, PartNumber=1, Body=b"too small")["ETag"]
    s3.upload_part(**this, PartNumber=2, Body=b"too small")

    def complete(*parts: tuple[int, str]) -> str:
        listed = [{"PartNumber": number, "ETag": etag} for number, etag in parts]
        with pytest.raises(ClientError) as refused:
            s3.complete_multipart_upload(**this, MultipartUpload={"Parts": listed})
        return code(refused)

    assert complete((1, "0" * 32)) == "InvalidPart"
    assert complete((1, etag), (2, etag)) == "EntityTooSmall"


def test_a_transfer_manager_moves_files_in_parts(s3: Any, tmp_path: Path) -> None:
    content = LARGE * 7
    (tmp_path / "up").write_bytes(content)

    with S3Transfer(s3) as transfer:
        transfer.upload_file(str(tmp_path / "up"), "data", "k")
        transfer.download_file("data", "k", str(tmp_path / "down"))

    assert (tmp_path / "down").read_bytes() == content
    assert s3.head_object(Bucket="data", Key="k")["ETag"].endswith('-3"')


@pytest.mark.parametrize("body", [b"", b"a=1&b=2", LARGE], ids=["empty", "form", "large"])
def test_the_content_type_does_not_matter(s3: Any, body: bytes) -> None:
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "text/xml"):
        s3.put_object(Bucket="data", Key=kind, Body=body, ContentType=kind)

        assert read(s3, kind) == body
        assert s3.head_object(Bucket="data", Key=kind)["ContentType"] == kind


def request(
    sandbox: Sandbox, path: str, body: Any, headers: dict[str, str]
) -> tuple[int, bytes, dict[str, str]]:
    """Send a PUT as it is, without a signature."""
    with closing(http.client.HTTPConnection("127.0.0.1", sandbox.server.port)) as connection:
        connection.request("PUT", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}


@pytest.mark.parametrize("chunked", [False, True], ids=["plain", "chunked"])
def test_a_body_with_a_trailing_checksum_is_unwrapped_and_checked(
    sandbox: Sandbox, s3: Any, chunked: bool
) -> None:
    def put(checksum: str | None) -> tuple[int, bytes, dict[str, str]]:
        wrapped = AwsChunkedWrapper(
            io.BytesIO(LARGE), Crc32Checksum, "x-amz-checksum-crc32", chunk_size=MIB
        ).read()
        if checksum is not None:
            wrapped = wrapped.replace(b"crc32:", f"crc32:{checksum}".encode(), 1)
        return request(
            sandbox,
            "/data/k",
            iter([wrapped]) if chunked else wrapped,
            {
                "Content-Encoding": "aws-chunked",
                "X-Amz-Trailer": "x-amz-checksum-crc32",
                "X-Amz-Decoded-Content-Length": str(len(LARGE)),
                "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                "X-Amz-Sdk-Checksum-Algorithm": "CRC32",
            },
        )

    status, _, headers = put(None)

    crc = base64.b64encode(zlib.crc32(LARGE).to_bytes(4, "big")).decode()
    assert (status, headers["x-amz-checksum-crc32"]) == (200, crc)
    got = s3.get_object(Bucket="data", Key="k", ChecksumMode="ENABLED")
    assert (got["Body"].read(), got["ChecksumCRC32"]) == (LARGE, crc)
    assert "ContentEncoding" not in got
    status, answer, _ = put("AAAA")
    assert status == 400
    assert b"<Code>BadDigest</Code>" in answer


def test_signed_chunks_are_unwrapped(sandbox: Sandbox, s3: Any) -> None:
    chunks = [SMALL, SMALL, b""]
    body = b"".join(b"%x;chunk-signature=00\r\n%b\r\n" % (len(each), each) for each in chunks)
    headers = {
        "X-Amz-Content-SHA256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "X-Amz-Decoded-Content-Length": str(2 * len(SMALL)),
    }

    status, _, _ = request(sandbox, "/data/k", body, headers)
    broken, answer, _ = request(sandbox, "/data/k2", body[:-30], headers)

    assert (status, read(s3, "k")) == (200, SMALL * 2)
    assert broken == 400
    assert b"<Code>IncompleteBody</Code>" in answer


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"Content-MD5": base64.b64encode(b"0" * 16).decode()}, b"BadDigest"),
        ({"Content-MD5": "short"}, b"InvalidDigest"),
        ({"X-Amz-Checksum-SHA256": "other"}, b"BadDigest"),
        ({"Content-Length": str(6 << 30)}, b"EntityTooLarge"),
        ({"Transfer-Encoding": "chunked"}, b"MissingContentLength"),
    ],
)
def test_an_upload_that_is_not_what_it_says_is_refused(
    sandbox: Sandbox, s3: Any, headers: dict[str, str], refusal: bytes
) -> None:
    status, answer, _ = request(sandbox, "/data/k", SMALL, headers)

    assert status in (400, 411)
    assert b"<Code>%b</Code>" % refusal in answer
    assert files(sandbox) == []


def test_an_upload_that_breaks_off_leaves_nothing(sandbox: Sandbox, s3: Any) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", sandbox.server.port)) as connection:
        connection.putrequest("PUT", "/data/k")
        connection.putheader("Content-Length", str(len(LARGE)))
        connection.endheaders(LARGE[:-1])

    with pytest.raises(ClientError) as missing:
        s3.head_object(Bucket="data", Key="k")
    assert code(missing) == "404"


def test_an_upload_to_a_bucket_that_is_not_there_is_refused(sandbox: Sandbox, s3: Any) -> None:
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="other", Key="k", Body=LARGE)

    assert code(refused) == "NoSuchBucket"


def test_documents_about_an_object_are_no_uploads(s3: Any) -> None:
    s3.put_object(Bucket="data", Key="k", Body=SMALL)

    s3.put_object_tagging(Bucket="data", Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.put_object_acl(Bucket="data", Key="k", ACL="public-read")

    assert read(s3, "k") == SMALL
    assert s3.get_object_tagging(Bucket="data", Key="k")["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_signed_urls_upload_and_download(s3: Any) -> None:
    names = {"Bucket": "data", "Key": "k"}
    upload = s3.generate_presigned_url("put_object", names)
    download = s3.generate_presigned_url("get_object", names)

    put = urllib.request.Request(upload, LARGE, method="PUT")
    with urllib.request.urlopen(put) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(download) as answer:
        assert answer.read() == LARGE


def test_a_bucket_can_be_named_by_the_host(sandbox: Sandbox, s3: Any) -> None:
    host = f"data.localhost:{urlsplit(sandbox.url).port}"

    status, _, _ = request(sandbox, "/folder/k", LARGE, {"Host": host})

    assert (status, read(s3, "folder/k")) == (200, LARGE)


def test_a_download_can_be_cut_and_tried_again(sandbox: Sandbox, s3: Any) -> None:
    s3.put_object(Bucket="data", Key="k", Body=LARGE)
    sandbox.faults.order({"kind": "cut", "on": "s3:GetObject", "bytes": 2 * MIB})

    url = s3.generate_presigned_url("get_object", {"Bucket": "data", "Key": "k"})
    with urllib.request.urlopen(url) as answer, pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()

    assert len(cut.value.partial) == 2 * MIB
    assert read(s3, "k") == LARGE


def test_many_clients_at_once_do_not_disturb_each_other(s3: Any) -> None:
    def work(number: int) -> bool:
        key, body = f"k{number % 4}", bytes([number % 4]) * (MIB + 1)
        s3.put_object(Bucket="data", Key=key, Body=body)
        return read(s3, key) == body

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(48)))


def test_nothing_stays_on_disk_when_the_sandbox_stops(sandbox: Sandbox, s3: Any) -> None:
    s3.put_object(Bucket="data", Key="k", Body=LARGE)
    assert len(files(sandbox)) == 1

    sandbox.stop()

    assert files(sandbox) == []


def test_a_large_object_is_never_in_memory(sandbox: Sandbox, s3: Any) -> None:
    size = 128 * MIB
    pieces = [b"\0" * MIB] * (size // MIB)
    length = {"Content-Length": str(size)}
    upload = s3.create_multipart_upload(Bucket="data", Key="parts")["UploadId"]

    def download(key: str, **headers: str) -> int:
        url = s3.generate_presigned_url("get_object", {"Bucket": "data", "Key": key})
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return sum(len(piece) for piece in iter(lambda: answer.read(MIB), b""))

    tracemalloc.start()
    try:
        request(sandbox, "/data/k", iter(pieces), length)
        request(sandbox, f"/data/parts?uploadId={upload}&partNumber=1", iter(pieces), length)
        parts = [{"PartNumber": 1, "ETag": hashlib.md5(b"".join(pieces)).hexdigest()}]
        tracemalloc.reset_peak()
        s3.complete_multipart_upload(
            Bucket="data", Key="parts", UploadId=upload, MultipartUpload={"Parts": parts}
        )
        s3.copy_object(Bucket="data", Key="copy", CopySource="data/k")
        assert download("k") == download("parts") == download("copy") == size
        assert download("k", Range="bytes=1-") == size - 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 16 * MIB


@pytest.fixture
def bodies(tmp_path: Path) -> Bodies:
    return Bodies(tmp_path / "bodies", keep=False)


def test_a_body_is_taken_for_bytes(bodies: Bodies) -> None:
    text = "é" * PIECE

    body = Body(bodies.path(bodies.write([text.encode()])))

    assert body.decode() == text
    assert io.BytesIO(body).getvalue() == text.encode() == b"".join(body)
    assert hashlib.md5(body).digest() == hashlib.md5(text.encode()).digest()


def test_a_discarded_file_stays_for_whoever_has_just_found_it(bodies: Bodies) -> None:
    name = bodies.write([SMALL])
    path = bodies.path(name)

    bodies.discard(name)
    was_there = path.exists()
    bodies.bury(now=time.monotonic() + GRACE)

    assert was_there
    assert not path.exists()


def test_a_file_that_cannot_be_written_leaves_nothing(bodies: Bodies, tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield SMALL
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        bodies.write(pieces())

    assert list((tmp_path / "bodies").iterdir()) == []
