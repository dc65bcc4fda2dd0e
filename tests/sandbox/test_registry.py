"""The registry by its HTTP API, asked by a client that is not Docker."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from odyssey.images.manifests import OCI_INDEX
from odyssey.sandbox.iam.identities import ROOT
from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.registry_client import Client, digest_of, manifest_of, password, refusal

REGION = "eu-west-1"


@pytest.fixture
def ecr(shared: Sandbox) -> Iterator[Any]:
    """ECR, with one repository whose tags move and one whose tags do not."""
    client = shared.clients.client("ecr", REGION)
    client.create_repository(repositoryName="iris")
    client.create_repository(repositoryName="team/fixed", imageTagMutability="IMMUTABLE")
    yield client
    for name in ("iris", "team/fixed"):
        client.delete_repository(repositoryName=name, force=True)


@pytest.fixture
def registry(shared: Sandbox, ecr: Any) -> Client:
    return Client(shared, password(ecr))


def files(sandbox: Sandbox) -> list[str]:
    folder = sandbox.settings.folder / "registry"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("wrong", [None, "", "guess", "guess.guess", "ä"])
def test_nobody_is_let_in_without_a_password_that_ecr_gave(registry: Client, wrong: Any) -> None:
    # given
    registry.password = wrong
    # when
    answer = registry.ask("GET", "/v2/")
    # then
    assert refusal(answer)[:2] == (401, "UNAUTHORIZED")
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith(f'Basic realm="http://127.0.0.1:{registry.sandbox.server.port}/"')


def test_a_password_opens_the_registry(registry: Client) -> None:
    answer = registry.ask("GET", "/v2/")
    assert answer.status_code == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_a_password_is_good_for_its_time_only(registry: Client) -> None:
    given = registry.sandbox.passwords.give(ROOT, REGION, timedelta(seconds=-1))
    registry.password = given.text
    status, code, message = refusal(registry.ask("GET", "/v2/iris/tags/list"))
    assert (status, code) == (403, "DENIED")
    assert message == "Your authorization token has expired. Reauthenticate and try again."


def test_a_password_opens_the_repositories_of_its_region_only(registry: Client) -> None:
    # given
    other = registry.sandbox.clients.client("ecr", "us-east-1")
    # when
    registry.password = password(other)
    # then
    answer = registry.ask("GET", "/v2/iris/tags/list")
    assert refusal(answer) == (
        404,
        "NAME_UNKNOWN",
        "The repository with name 'iris' does not exist in the registry with id '123456789012'",
    )


def test_a_blob_comes_as_one_piece_in_one_request(registry: Client) -> None:
    digest = digest_of(b"weights")
    path = f"/v2/iris/blobs/uploads/?digest={digest}"
    answer = registry.ask("POST", path, data=b"weights")
    assert answer.status_code == 201
    assert registry.ask("GET", answer.headers["Location"]).content == b"weights"


def test_a_blob_comes_in_pieces_and_in_a_stream(registry: Client) -> None:
    # given
    place = registry.begin("iris")
    registry.ask("PATCH", place, data=b"one ", headers={"Content-Range": "0-3"})
    # when
    answer = registry.ask("PATCH", place, data=iter([b"two ", b"thr"]))
    # then
    assert (answer.status_code, answer.headers["Range"]) == (202, "0-10")
    assert registry.ask("GET", place).headers["Range"] == "0-10"
    # and
    digest = digest_of(b"one two three")
    answer = registry.ask("PUT", place, params={"digest": digest}, data=b"ee")
    assert (answer.status_code, answer.headers["Docker-Content-Digest"]) == (201, digest)
    assert registry.ask("GET", f"/v2/iris/blobs/{digest}").content == b"one two three"
    assert refusal(registry.ask("GET", place))[:2] == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_piece_that_is_not_the_next_is_refused_and_the_upload_goes_on(registry: Client) -> None:
    place = registry.begin("iris")
    registry.ask("PATCH", place, data=b"one ")
    answer = registry.ask("PATCH", place, data=b"three", headers={"Content-Range": "8-12"})
    assert refusal(answer)[:2] == (416, "BLOB_UPLOAD_INVALID")
    assert answer.headers["Range"] == "0-3"


@pytest.mark.parametrize(
    ("header", "sent", "come"),
    [
        ("Content-Length: 13", b"one two ", 8),
        ("Transfer-Encoding: chunked", b"4\r\none \r\n4\r\ntwo \r\n5\r\nth", 0),
    ],
    ids=["counted", "streamed"],
)
def test_an_upload_whose_connection_broke_goes_on_where_it_was(
    registry: Client, caplog: pytest.LogCaptureFixture, header: str, sent: bytes, come: int
) -> None:
    # given
    place = registry.begin("iris")
    login = base64.b64encode(f"AWS:{registry.password}".encode()).decode()
    head = f"PATCH {place} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {login}\r\n{header}"
    # when
    with socket.create_connection(("127.0.0.1", registry.sandbox.server.port)) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + sent)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(100)
    # then
    assert registry.ask("GET", place).headers["Range"] == f"0-{max(0, come - 1)}"
    digest, left = digest_of(b"one two three"), b"one two three"[come:]
    assert registry.ask("PUT", place, params={"digest": digest}, data=left).status_code == 201
    assert caplog.records == []


def test_a_blob_that_is_not_what_it_is_called_is_refused_and_not_kept(registry: Client) -> None:
    place = registry.begin("iris")
    answer = registry.ask("PUT", place, params={"digest": digest_of(b"else")}, data=b"weights")
    assert refusal(answer)[:2] == (400, "DIGEST_INVALID")
    assert files(registry.sandbox) == []


def test_an_upload_that_is_given_up_leaves_nothing(registry: Client) -> None:
    place = registry.begin("iris")
    registry.ask("PATCH", place, data=b"one ")
    assert registry.ask("DELETE", place).status_code == 204
    assert files(registry.sandbox) == []


def test_an_upload_belongs_to_its_repository(registry: Client) -> None:
    place = registry.begin("iris").replace("/iris/", "/team/fixed/")
    assert refusal(registry.ask("GET", place))[:2] == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_part_of_a_blob_is_sent_where_a_part_is_asked_for(registry: Client) -> None:
    digest = registry.bring("iris", b"0123456789")
    path = f"/v2/iris/blobs/{digest}"
    answer = registry.ask("GET", path, headers={"Range": "bytes=4-6"})
    assert (answer.status_code, answer.content) == (206, b"456")
    assert answer.headers["Content-Range"] == "bytes 4-6/10"
    assert registry.ask("GET", path, headers={"Range": "bytes=7-"}).content == b"789"
    assert registry.ask("GET", path, headers={"Range": "bytes=10-"}).status_code == 416


def test_head_tells_of_a_blob_without_sending_it(registry: Client) -> None:
    digest = registry.bring("iris", b"weights")
    answer = registry.ask("HEAD", f"/v2/iris/blobs/{digest}")
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "7")
    assert registry.ask("HEAD", f"/v2/iris/blobs/{digest_of(b'else')}").status_code == 404


def test_a_blob_is_in_the_repository_that_it_came_to_and_no_other(registry: Client) -> None:
    digest = registry.bring("iris", b"weights")
    answer = registry.ask("GET", f"/v2/team/fixed/blobs/{digest}")
    assert refusal(answer)[:2] == (404, "BLOB_UNKNOWN")


def test_a_blob_is_mounted_from_another_repository(registry: Client) -> None:
    digest = registry.bring("iris", b"weights")
    path = f"/v2/team/fixed/blobs/uploads/?mount={digest}&from=iris"
    assert registry.ask("POST", path).status_code == 201
    assert registry.ask("GET", f"/v2/team/fixed/blobs/{digest}").content == b"weights"
    assert files(registry.sandbox) == [digest.partition(":")[2]]


@pytest.mark.parametrize("source", ["iris", "unknown"])
def test_a_blob_that_cannot_be_mounted_is_asked_for(registry: Client, source: str) -> None:
    path = f"/v2/team/fixed/blobs/uploads/?mount={digest_of(b'weights')}&from={source}"
    answer = registry.ask("POST", path)
    assert answer.status_code == 202
    assert "Docker-Upload-UUID" in answer.headers


def test_an_image_is_found_by_tag_and_digest(registry: Client) -> None:
    digest = registry.push("iris", "one", b"weights")
    for reference in ("one", digest):
        answer = registry.ask("GET", f"/v2/iris/manifests/{reference}")
        assert answer.content == manifest_of(b"{}", b"weights")
        assert answer.headers["Docker-Content-Digest"] == digest
        head = registry.ask("HEAD", f"/v2/iris/manifests/{reference}")
        assert head.headers["Content-Length"] == str(len(answer.content))


def test_an_image_that_is_not_there_is_unknown(registry: Client) -> None:
    for reference in ("one", digest_of(b"else")):
        answer = registry.ask("GET", f"/v2/iris/manifests/{reference}")
        assert refusal(answer) == (404, "MANIFEST_UNKNOWN", "Requested image not found")


def test_an_image_whose_layers_have_not_come_is_refused(registry: Client) -> None:
    registry.bring("iris", b"{}")
    answer = registry.put("iris", "one", manifest_of(b"{}", b"weights"))
    status, code, message = refusal(answer)
    assert (status, code) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert digest_of(b"weights") in message


@pytest.mark.parametrize(
    "content",
    [
        b"no json",
        b"[]",
        b'{"config": {}, "layers": []}',
        b'{"config": {"digest": "sha256:../../x"}, "layers": []}',
        b'{"mediaType": "application/vnd.docker.distribution.manifest.v1+json"}',
    ],
)
def test_what_is_no_manifest_is_refused(registry: Client, content: bytes) -> None:
    assert refusal(registry.put("iris", "one", content))[:2] == (400, "MANIFEST_INVALID")


def test_a_manifest_that_is_put_by_another_digest_is_refused(registry: Client) -> None:
    registry.bring("iris", b"{}")
    answer = registry.put("iris", digest_of(b"else"), manifest_of(b"{}"))
    assert refusal(answer)[:2] == (400, "DIGEST_INVALID")


@pytest.mark.parametrize("tag", ["-one", "o ne", "o" * 129])
def test_a_tag_that_docker_does_not_know_is_refused(registry: Client, tag: str) -> None:
    registry.bring("iris", b"{}")
    status, _, message = refusal(registry.put("iris", tag, manifest_of(b"{}")))
    assert (status, "'imageTag'" in message) == (400, True)


def test_a_manifest_that_is_too_large_is_refused(registry: Client) -> None:
    answer = registry.put("iris", "one", b" " * (4 << 20) + b"{}")
    assert answer.status_code == 413


def test_a_tag_moves_to_the_image_that_was_pushed_last(registry: Client) -> None:
    registry.push("iris", "latest", b"old")
    digest = registry.push("iris", "latest", b"new")
    answer = registry.ask("HEAD", "/v2/iris/manifests/latest")
    assert answer.headers["Docker-Content-Digest"] == digest


@pytest.mark.parametrize("layer", [b"old", b"new"])
def test_a_tag_of_an_immutable_repository_does_not_move(registry: Client, layer: bytes) -> None:
    # given
    digest = registry.push("team/fixed", "one", b"old")
    registry.bring("team/fixed", layer)
    # when
    answer = registry.put("team/fixed", "one", manifest_of(b"{}", layer))
    # then
    assert refusal(answer) == (
        400,
        "TAG_INVALID",
        "The image tag 'one' already exists in the 'team/fixed' repository and cannot be "
        "overwritten because the tag is immutable.",
    )
    answer = registry.ask("HEAD", "/v2/team/fixed/manifests/one")
    assert answer.headers["Docker-Content-Digest"] == digest


def test_tags_that_are_excepted_move_in_an_immutable_repository(registry: Client, ecr: Any) -> None:
    # given
    filters = [{"filterType": "WILDCARD", "filter": "dev-*"}]
    ecr.put_image_tag_mutability(
        repositoryName="team/fixed",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=filters,
    )
    registry.push("team/fixed", "dev-1", b"old")
    registry.push("team/fixed", "one", b"old")
    # when
    registry.push("team/fixed", "dev-1", b"new")
    # then
    answer = registry.put("team/fixed", "one", manifest_of(b"{}", b"new"))
    assert refusal(answer)[1] == "TAG_INVALID"


def test_an_index_needs_the_images_that_it_names(registry: Client) -> None:
    def index(digest: str) -> bytes:
        return b'{"schemaVersion": 2, "manifests": [{"digest": "%s"}]}' % digest.encode()

    missing = registry.put("iris", "all", index(digest_of(b"else")), OCI_INDEX)
    assert refusal(missing)[:2] == (400, "MANIFEST_BLOB_UNKNOWN")
    # given
    digest = registry.push("iris", digest_of(manifest_of(b"{}", b"amd")), b"amd")
    # when
    answer = registry.put("iris", "all", index(digest), OCI_INDEX)
    # then
    assert answer.status_code == 201
    answer = registry.ask("DELETE", f"/v2/iris/manifests/{digest}")
    assert refusal(answer)[0] == 409


def test_tags_are_listed_in_pages(registry: Client) -> None:
    for tag in ("b", "c", "a"):
        registry.push("iris", tag, b"weights")
    answer = registry.ask("GET", "/v2/iris/tags/list", params={"n": 2})
    assert answer.json() == {"name": "iris", "tags": ["a", "b"]}
    answer = registry.ask("GET", answer.links["next"]["url"])
    assert answer.json() == {"name": "iris", "tags": ["c"]}
    assert not answer.links


def test_what_no_image_needs_any_more_leaves_the_disk(registry: Client) -> None:
    # given
    kept = registry.push("iris", "kept", b"shared", b"mine")
    gone = registry.push("iris", "gone", b"shared", b"yours")
    before = len(files(registry.sandbox))
    # when
    answer = registry.ask("DELETE", f"/v2/iris/manifests/{gone}")
    # then
    assert answer.status_code == 202
    assert len(files(registry.sandbox)) == before - 2
    assert registry.ask("GET", f"/v2/iris/blobs/{digest_of(b'shared')}").content == b"shared"
    assert registry.ask("HEAD", f"/v2/iris/manifests/{kept}").status_code == 200
    assert registry.ask("HEAD", "/v2/iris/manifests/gone").status_code == 404


def test_what_the_registry_does_not_do_is_said(registry: Client) -> None:
    answer = registry.ask("DELETE", f"/v2/iris/blobs/{digest_of(b'weights')}")
    assert refusal(answer)[:2] == (405, "UNSUPPORTED")
    assert refusal(registry.ask("GET", "/v2/iris/nothing"))[:2] == (405, "UNSUPPORTED")


@pytest.mark.parametrize("digest", ["sha256:../../../etc/passwd", "..", "sha256:" + "A" * 64])
def test_no_name_leads_out_of_the_folder(registry: Client, digest: str) -> None:
    answer = registry.ask("GET", f"/v2/iris/blobs/{quote(digest, safe='')}")
    assert answer.status_code in (404, 405)


def test_aws_paths_that_begin_as_the_registry_s_are_moto_s(shared: Sandbox) -> None:
    apis = shared.clients.client("apigatewayv2", REGION)
    assert apis.get_apis()["Items"] == []
