"""Clients, roles and models for the tests of what serves."""

import io
import json
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from odyssey.sandbox.clients import KEYS
from odyssey.sandbox.sandbox import Sandbox

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/serving"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/app:1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
        }
    ],
}


SESSION = boto3.Session(KEYS.access, KEYS.secret)


def client(sandbox: Sandbox, service: str, region: str = REGION, **more: Any) -> Any:
    return SESSION.client(
        service,
        region_name=region,
        endpoint_url=sandbox.url,
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32, **more),
    )


def archive(**files: str) -> bytes:
    """Return a model.tar.gz of files with underscores for dots."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name.replace("__", "."))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))
    return made.getvalue()


class Account:
    """A sandbox with a role, a bucket, and models in it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.s3 = client(sandbox, "s3")
        self.sagemaker = client(sandbox, "sagemaker")
        self.runtime = client(sandbox, "sagemaker-runtime")
        client(sandbox, "iam").create_role(
            RoleName="serving", AssumeRolePolicyDocument=json.dumps(TRUST)
        )
        self.s3.create_bucket(
            Bucket="models", CreateBucketConfiguration={"LocationConstraint": REGION}
        )

    def upload(self, name: str, **files: str) -> str:
        key = f"{name}/model.tar.gz"
        self.s3.put_object(Bucket="models", Key=key, Body=archive(**files))
        return f"s3://models/{key}"

    def model(self, name: str, **files: str) -> str:
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={
                "Image": IMAGE,
                "ModelDataUrl": self.upload(name, **files),
                "Environment": {"COLOR": name},
            },
        )
        return name

    def endpoint(self, model: str, name: str = "iris", config: str = "", **more: Any) -> str:
        """Make an endpoint that serves a model; return its status when it is no more Creating."""
        config = self.config(model, name=config, **more)
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        return self.settled(name)["EndpointStatus"]

    def settled(self, name: str = "iris") -> dict[str, Any]:
        """Return an endpoint as soon as nothing is being done to it."""

        def ended() -> Any:
            found = self.sagemaker.describe_endpoint(EndpointName=name)
            return found if found["EndpointStatus"] in ("InService", "Failed") else None

        return until(ended)

    def invoke(self, body: bytes | str, name: str = "iris", **more: Any) -> bytes:
        found = self.runtime.invoke_endpoint(EndpointName=name, Body=body, **more)
        with found["Body"] as stream:
            return stream.read()

    def config(
        self, model: str, *, name: str = "", variant: dict[str, Any] | None = None, **more: Any
    ) -> str:
        name = name or f"{model}-config"
        on_instances = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {"VariantName": "AllTraffic", "ModelName": model, **(variant or on_instances)}
            ],
            **more,
        )
        return name


SERVE = r'''
import json, os, signal, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

model = Path(os.environ["ROCKET_ML_ROOT"], "model")
told = {path.name: path.read_text() for path in model.iterdir() if path.is_file()}


class Handler(BaseHTTPRequestHandler):
    """It does what the model's files and the first word of a request say."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self):
        if "hang" in told:
            time.sleep(60)
        self.answer(int(told.get("ping", "200")))

    def do_POST(self):
        body = self.body()
        word, _, rest = body[:200].partition(b" ")
        getattr(self, "do_" + word.decode(errors="replace"), self.do_echo)(
            rest.decode(errors="replace"), body)

    def do_echo(self, rest, body):
        self.answer(200, told.get("answer", "").encode() or body)

    def do_headers(self, rest, body):
        self.answer(200, json.dumps(dict(self.headers)).encode(), **{
            "X-Amzn-SageMaker-Custom-Attributes": "seen", "X-Secret": "none"})

    def do_environment(self, rest, body):
        self.answer(200, json.dumps(dict(os.environ)).encode())

    def do_sleep(self, rest, body):
        time.sleep(float(rest))
        self.answer(200, told.get("answer", "slept").encode())

    def do_status(self, rest, body):
        code, _, text = rest.partition(" ")
        self.answer(int(code), text.encode())

    def do_die(self, rest, body):
        os._exit(3)

    def do_break(self, rest, body):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"only this")
        self.wfile.flush()
        self.close_connection = True

    def do_size(self, rest, body):
        self.answer(200, b"x" * int(rest))

    def do_length(self, rest, body):
        self.answer(200, str(len(body)).encode())

    def do_stream(self, rest, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for word in rest.split():
            if word == "break":
                self.close_connection = True
                self.wfile.flush()
                return
            self.wfile.write(b"%x\r\n%s\r\n" % (len(word), word.encode()))
            self.wfile.flush()
            time.sleep(0.2)
        self.wfile.write(b"0\r\n\r\n")

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        kind = self.headers.get("Accept", "text/plain")
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


if "deaf" in told:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "exit" in told:
    print("cannot serve:", told["exit"], flush=True)
    sys.exit(7)
print("serving", os.getpid(), flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["MODEL_SERVER_PORT"])), Handler).serve_forever()
'''


def app(folder: Path) -> Path:
    """Make an app whose server is a small one."""
    (folder / "rocket").mkdir(parents=True)
    (folder / "odyssey.toml").write_text('[app]\nname = "small"\n')
    (folder / "rocket" / "serve").write_text(SERVE)
    return folder


def until(is_so: Callable[[], Any], seconds: float = 20) -> Any:
    """Return what becomes true, as soon as it does."""
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < deadline, "it never was"
        time.sleep(0.02)
    return found
