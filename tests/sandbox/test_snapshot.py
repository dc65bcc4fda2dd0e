"""What a sandbox knows outlives it where it is kept, and nothing does where it is not."""

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from moto.core.base_backend import BackendDict
from moto.kms.models import kms_backends
from moto.ssm.models import ssm_backends

from odyssey import state
from odyssey.errors import UsageError
from odyssey.sandbox.calls import ACCOUNT
from odyssey.sandbox.sandbox import Sandbox
from odyssey.sandbox.state import snapshot, states
from odyssey.sandbox.state.gate import Gate
from odyssey.sandbox.state.snapshot import Snapshot
from tests.sandbox.conftest import Start
from tests.sandbox.registry_client import Client, password

LARGE = b"0123456789abcdef" * (1 << 17)
REGION = "eu-west-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def client(sandbox: Sandbox, service: str) -> Any:
    return sandbox.clients.client(service, REGION)


def make_bucket(sandbox: Sandbox) -> Any:
    s3 = client(sandbox, "s3")
    s3.create_bucket(Bucket="data", CreateBucketConfiguration={"LocationConstraint": REGION})
    return s3


def body(sandbox: Sandbox, key: str, **more: Any) -> bytes:
    got = client(sandbox, "s3").get_object(Bucket="data", Key=key, **more)
    return bytes(got["Body"].read())


def test_objects_outlive_a_restart(start: Start) -> None:
    before = start(keep=True)
    s3 = make_bucket(before)
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket="data", Key="k", Body=LARGE, Metadata={"a": "b"})
    s3.put_object(Bucket="data", Key="k", Body=b"new", Tagging="x=1")
    parts = s3.create_multipart_upload(Bucket="data", Key="parts")["UploadId"]
    this = {"Bucket": "data", "Key": "parts", "UploadId": parts}
    etag = s3.upload_part(**this, PartNumber=1, Body=LARGE)["ETag"]
    before.stop()

    after = start(keep=True)

    s3 = client(after, "s3")
    assert body(after, "k", VersionId=old["VersionId"]) == LARGE
    assert body(after, "k") == b"new"
    assert s3.get_object_tagging(Bucket="data", Key="k")["TagSet"] == [{"Key": "x", "Value": "1"}]
    listed = [{"PartNumber": 1, "ETag": etag}]
    s3.complete_multipart_upload(**this, MultipartUpload={"Parts": listed})
    assert body(after, "parts") == LARGE


def test_services_of_moto_and_ours_know_what_they_knew(start: Start) -> None:
    before = start(keep=True)
    role = client(before, "iam").create_role(
        RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST)
    )["Role"]["Arn"]
    logs = client(before, "logs")
    logs.create_log_group(logGroupName="/g")
    logs.create_log_stream(logGroupName="/g", logStreamName="s")
    event = {"timestamp": int(time.time() * 1000), "message": "hello"}
    logs.put_log_events(logGroupName="/g", logStreamName="s", logEvents=[event])
    client(before, "ssm").put_parameter(Name="/p", Value="v", Type="String", Tags=[])
    kms = client(before, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    secret = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    signer = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    signing = {"KeyId": signer, "Message": b"m", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    signature = kms.sign(**signing)["Signature"]
    client(before, "sns").create_topic(Name="t")
    client(before, "sqs").create_queue(QueueName="q")
    client(before, "cloudwatch").put_dashboard(DashboardName="d", DashboardBody="{}")
    ecr = client(before, "ecr")
    ecr.create_repository(repositoryName="repo")
    Client(before, password(ecr)).push("repo", "1", b"layer")
    client(before, "lambda").create_function(
        FunctionName="f",
        Role=role,
        PackageType="Image",
        Code={"ImageUri": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/repo:1"},
    )
    before.identities.keys(role)
    with before.store.lock:
        before.store.table("models")[REGION, "iris"] = {"ModelName": "iris"}
    before.stop()

    after = start(keep=True)

    assert client(after, "iam").get_role(RoleName="worker")["Role"]["Arn"] == role
    events = client(after, "logs").get_log_events(logGroupName="/g", logStreamName="s")["events"]
    assert [each["message"] for each in events] == ["hello"]
    assert client(after, "ssm").get_parameter(Name="/p")["Parameter"]["Value"] == "v"
    kms = client(after, "kms")
    assert kms.decrypt(CiphertextBlob=secret)["Plaintext"] == b"secret"
    assert kms.verify(**signing, Signature=signature)["SignatureValid"]
    assert len(client(after, "sns").list_topics()["Topics"]) == 1
    assert len(client(after, "sqs").list_queues()["QueueUrls"]) == 1
    assert client(after, "cloudwatch").get_dashboard(DashboardName="d")["DashboardBody"] == "{}"
    function = client(after, "lambda").get_function(FunctionName="f")
    assert function["Configuration"]["Role"] == role
    assert client(after, "s3").list_buckets()["Buckets"] == []
    with after.store.lock:
        assert after.store.table("models")[REGION, "iris"] == {"ModelName": "iris"}
    assert after.identities.keys(role) == before.identities.keys(role)


def test_what_is_not_kept_is_gone(start: Start) -> None:
    before = start()
    make_bucket(before).put_object(Bucket="data", Key="k", Body=LARGE)
    before.stop()

    after = start()

    assert client(after, "s3").list_buckets()["Buckets"] == []
    left = [path for path in after.settings.folder.rglob("*") if path.is_file()]
    assert LARGE not in [path.read_bytes() for path in left]


def wait_for(path: Path) -> None:
    for _ in range(500):
        if path.exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} does not appear")


PROGRAM = """
import sys, time
from pathlib import Path
from odyssey.sandbox.sandbox import Sandbox, Settings
folder = Path(sys.argv[1])
sandbox = Sandbox(Settings(folder, keep=True), lambda *_: None)
sandbox.start()
s3 = sandbox.clients.client("s3", "us-east-1")
s3.create_bucket(Bucket="data")
s3.put_object(Bucket="data", Key="k", Body=b"kept")
time.sleep(600)
"""


def test_a_sandbox_that_is_killed_has_kept_what_it_knew_seconds_before(
    start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "sandbox"
    folder.mkdir()
    killed = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)])
    try:
        wait_for(folder / "state")
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    half_an_upload = folder / "objects" / ("0" * 32)
    half_an_upload.write_bytes(b"...")
    (folder / "objects" / "notes").write_text("of somebody else")

    after = start(keep=True)

    assert body(after, "k") == b"kept"
    assert not half_an_upload.exists()
    assert (folder / "objects" / "notes").exists()


def test_two_sandboxes_cannot_share_a_folder(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    folder.mkdir()

    with state.locked(folder / "lock"), pytest.raises(UsageError, match="sandbox that runs"):
        start(keep=True)


def test_a_process_runs_one_sandbox_at_a_time(start: Start, tmp_path: Path) -> None:
    first = start()
    make_bucket(first).put_object(Bucket="data", Key="k", Body=LARGE)

    with pytest.raises(RuntimeError, match="stop it first"):
        start(folder=tmp_path / "another")

    assert body(first, "k") == LARGE


@pytest.fixture
def path(start: Start) -> Path:
    """The file of a sandbox that has stopped."""
    sandbox = start(keep=True)
    make_bucket(sandbox).put_object(Bucket="data", Key="k", Body=LARGE)
    sandbox.stop()
    return sandbox.settings.folder / "state"


def refusal(start: Start) -> UsageError:
    with pytest.raises(UsageError) as refused:
        start(keep=True)
    assert BackendDict._instances == []
    return refused.value


def test_a_state_of_another_version_is_refused_and_left_as_it_is(start: Start, path: Path) -> None:
    head, _, rest = path.read_bytes().partition(b"\n")
    other = json.dumps({**json.loads(head), "moto": "4.0.0"}).encode() + b"\n" + rest
    path.write_bytes(other)

    error = refusal(start)

    assert str(path) in error.message
    assert "was written by moto 4.0.0, and this is moto 5." in error.message
    assert error.hint is not None
    assert f"rm {path}" in error.hint
    assert path.read_bytes() == other


@pytest.mark.parametrize("content", [b"", b"{}\n", b"no head", b'["a list"]\n'])
def test_a_file_that_is_no_state_is_refused(start: Start, path: Path, content: bytes) -> None:
    path.write_bytes(content)

    assert str(path) in refusal(start).message


def test_a_broken_state_is_refused(start: Start, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])

    assert "is broken" in refusal(start).message


def test_a_state_whose_objects_are_gone_is_refused(start: Start, path: Path) -> None:
    for each in (path.parent / "objects").iterdir():
        each.unlink()

    assert "is broken" in refusal(start).message


def test_a_state_that_others_may_write_is_not_read(start: Start, path: Path) -> None:
    path.chmod(0o660)

    assert "not this user's alone" in refusal(start).message


def test_a_state_is_never_read_through_a_link(start: Start, path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")

    assert "cannot be read" in refusal(start).message


def test_only_its_owner_may_read_a_state(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_snapshot_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "state"
    (tmp_path / "state.new").write_bytes(b"from one that was killed")

    snapshot.write(path, Snapshot(pickle.dumps(1), {}))
    snapshot.write(path, Snapshot(pickle.dumps(2), {}))

    assert snapshot.read(path) == Snapshot(pickle.dumps(2), {})
    assert os.listdir(tmp_path) == ["state"]


def test_a_service_that_cannot_be_kept_is_told_once_and_the_rest_is_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    states.forget()
    ssm_backends[ACCOUNT][REGION].under_way = (each for each in "abc")  # type: ignore[attr-defined]
    kms_backends[ACCOUNT][REGION].note = threading.RLock()  # type: ignore[attr-defined]

    states.capture()
    kept = states.capture()
    states.restore(kept)

    assert [record.message for record in caplog.records] == [
        f"what moto's SimpleSystemManagerBackend knows in {REGION} is not kept: "
        "cannot pickle 'generator' object"
    ]
    assert isinstance(vars(kms_backends[ACCOUNT][REGION])["note"], type(threading.RLock()))
    states.forget()


def test_nobody_is_let_in_while_a_gate_is_held() -> None:
    entered = threading.Event()

    def moto(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        entered.set()
        return [b""]

    gate = Gate(moto)
    with gate.hold(0):
        visitor = threading.Thread(target=gate, args=({"REQUEST_METHOD": "PUT"}, None))
        visitor.start()
        was_inside = entered.wait(0.1)
    visitor.join()

    assert not was_inside
    assert entered.is_set()
    assert gate.changed.is_set()


def test_a_gate_does_not_wait_for_ever_for_whoever_is_inside() -> None:
    def moto(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with gate.hold(0.01):
            return [b"held"]

    gate = Gate(moto)

    assert gate({"REQUEST_METHOD": "GET"}, None) == [b"held"]
    assert not gate.changed.is_set()
