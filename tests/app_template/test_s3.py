"""What functions fetch from S3 and send there, and the folders below /tmp that they do it in."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rocket.s3 import TransferError, fetch_folder, fetch_model, send_archive
from rocket.workplace import workplace
from tests.app_template.test_archives import archive, tree
from tests.functional.buckets import BUCKET, bucket, contents

URI = f"s3://{BUCKET}/jobs/1/model.tar.gz"


@pytest.fixture(autouse=True)
def tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """/tmp, for this test alone."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return place


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with bucket(monkeypatch) as client:
        yield client


def put(client: Any, **objects: bytes) -> None:
    for name, content in objects.items():
        client.put_object(Bucket=BUCKET, Key=name, Body=content)


class TestModel:
    def test_is_fetched_once_and_again_when_it_has_changed(self, s3: Any, tmp: Path) -> None:
        put(s3, **{"jobs/1/model.tar.gz": archive(("a/weights", b"one", ""))})
        first = fetch_model(URI)
        assert tree(first.model) == {"a/weights": b"one"}
        (first.model / "mark").touch()
        assert fetch_model(URI) == first
        assert (first.model / "mark").exists()
        put(s3, **{"jobs/1/model.tar.gz": archive(("a/weights", b"two", ""))})
        assert tree(fetch_model(URI).model) == {"a/weights": b"two"}
        assert [path.name for path in tmp.iterdir()] == [f"rocket-models-{os.getuid()}"]

    @pytest.mark.parametrize(
        ("uri", "content", "message"),
        [
            ("https://a/b", b"", "^https://a/b: not a place on S3, which is s3://BUCKET/KEY$"),
            ("s3:///key", b"", "not a place on S3"),
            (f"s3://{BUCKET}/other", b"", f"^s3://{BUCKET}/other: .*NoSuchKey"),
            ("s3://missing/key", b"", "^s3://missing/key: .*NoSuchBucket"),
            (URI, b"no archive", f"^{URI}: Not a gzipped file"),
            (URI, archive(("a", os.urandom(9999), ""))[:-99], f"^{URI} is no whole .tar.gz: "),
            (URI, archive(("../a", b"x", "")), 'is not unpacked: its member "../a" would land'),
        ],
        ids=["scheme", "no bucket", "key", "bucket", "no archive", "cut off", "unsafe"],
    )
    def test_that_cannot_be_had_is_explained_and_leaves_nothing(
        self, s3: Any, tmp: Path, uri: str, content: bytes, message: str
    ) -> None:
        put(s3, **{"jobs/1/model.tar.gz": content})
        with pytest.raises(TransferError, match=message):
            fetch_model(uri)
        assert tree(tmp) == {}

    def test_is_not_put_where_others_may_write(self, s3: Any, tmp: Path) -> None:
        home = tmp / f"rocket-models-{os.getuid()}"
        home.mkdir()
        home.chmod(0o777)
        with pytest.raises(TransferError, match="is no folder of this user alone"):
            fetch_model(URI)
        home.rmdir()
        home.symlink_to(tmp)
        with pytest.raises(TransferError, match="is no folder of this user alone"):
            fetch_model(URI)

    @pytest.mark.parametrize("losses", [2, 3])
    def test_is_asked_for_again_when_the_connection_breaks(
        self, losses: int, tmp: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = archive(("weights", os.urandom(500_000), ""))
        left = [losses]

        class Lossy(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("ETag", '"1"')
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                left[0] -= 1
                self.wfile.write(content if left[0] < 0 else content[:300_000])
                self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        with bucket(monkeypatch):
            pass  # Credentials that are nobody's.
        with ThreadingHTTPServer(("127.0.0.1", 0), Lossy) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
            try:
                if losses == 2:
                    assert (fetch_model(URI).model / "weights").stat().st_size == 500_000
                else:
                    with pytest.raises(TransferError, match=f"^{URI}: "):
                        fetch_model(URI)
                    assert tree(tmp) == {}
            finally:
                server.shutdown()


class TestFolder:
    @pytest.mark.parametrize("uri", ["data", "data/"])
    def test_comes_with_everything_below_it(self, s3: Any, tmp_path: Path, uri: str) -> None:
        found = {f"training/{number:03}.csv": b"%d" % number for number in range(40)}
        found |= {"validation/deep/er.csv": b"x", "empty.csv": b""}
        put(s3, **{f"data/{name}": content for name, content in found.items()})
        put(s3, **{"data/": b"", "data/training/": b"", "data2/other.csv": b"x"})
        fetch_folder(f"s3://{BUCKET}/{uri}", tmp_path / "in")
        assert tree(tmp_path / "in") == found

    def test_may_be_the_whole_bucket(self, s3: Any, tmp_path: Path) -> None:
        put(s3, **{"training/a": b"1"})
        fetch_folder(f"s3://{BUCKET}", tmp_path / "in")
        assert tree(tmp_path / "in") == {"training/a": b"1"}

    @pytest.mark.parametrize(
        ("keys", "message"),
        [
            ([], "there is no data, not one object"),
            (["data/"], "there is no data, not one object"),
            (["data/a", "data/../../out"], "no path below a folder"),
            (["data//etc/passwd"], "no path below a folder"),
            (["data/a", "data/a/b"], "File exists|[Nn]ot a directory|Is a directory"),
        ],
    )
    def test_that_is_none_is_refused(
        self, s3: Any, tmp_path: Path, keys: list[str], message: str
    ) -> None:
        put(s3, **dict.fromkeys(keys, b"x"))
        with pytest.raises(TransferError, match=message):
            fetch_folder(f"s3://{BUCKET}/data/", tmp_path / "in")
        assert {path.name for path in tmp_path.iterdir()} <= {"in", "tmp"}


def test_an_archive_is_sent_and_comes_back(s3: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "weights").write_bytes(b"one")
    send_archive(source, URI, bench=tmp_path)
    assert list(contents(s3)) == ["jobs/1/model.tar.gz"]
    assert tree(fetch_model(URI).model) == {"weights": b"one"}
    with pytest.raises(TransferError, match=r"^s3://missing/x: .*NoSuchBucket"):
        send_archive(source, "s3://missing/x", bench=tmp_path)


def test_a_workplace_goes_with_its_with_block_or_with_the_next_one(tmp: Path) -> None:
    def inside() -> None:
        with workplace("rocket-a-") as folder:
            (folder / "file").touch()
            # given one that a killed process left, one that is at work, and one of another kind
            (tmp / "rocket-a-left" / "deep").mkdir(parents=True)
            (tmp / "rocket-b-left").mkdir()
            (tmp / "rocket-a-file").touch()
            with workplace("rocket-a-") as other:
                assert folder.exists()
                assert {path.name for path in tmp.iterdir()} == {
                    *(folder.name, other.name, "rocket-b-left", "rocket-a-file")
                }
            raise KeyError(folder.name)

    with pytest.raises(KeyError, match=re.compile("rocket-a-")):
        inside()
    assert {path.name for path in tmp.iterdir()} == {"rocket-b-left", "rocket-a-file"}
