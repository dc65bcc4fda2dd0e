"""A sandbox of one's own, and an app that lives in it, by the command line as its user has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

import odyssey as package
from odyssey.sandbox.clients import KEYS

REGION = "eu-west-1"
OURS = ("AWS_", "ODYSSEY_", "MODEL_SERVER", "CDK_")


@dataclass(frozen=True)
class Done:
    """A command line that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass
class World:
    """A sandbox for the length of a `with` block, and an app in it."""

    app: Path
    state: Path
    options: tuple[str, ...] = ()
    name: str = "default"
    variables: dict[str, str] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        done = self.run("sandbox", "start", "--name", self.name, *self.options, "--output", "json")
        assert done.code == 0, done.err
        self.record = done.document
        told = self.run("sandbox", "env", "--name", self.name, "--output", "json")
        self.variables = told.document
        return self

    def __exit__(self, *_: object) -> None:
        self.variables = {}
        done = self.run("sandbox", "stop", "--name", self.name)
        assert done.code == 0, done.err

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {
            **kept,
            "PYTHONPATH": str(Path(package.__file__).parent.parent),
            "XDG_STATE_HOME": str(self.state),
            "AWS_REGION": REGION,
            **self.variables,
        }

    def run(self, *words: str, **variables: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "odyssey", *words],
            cwd=self.app,
            env={**self.environment(), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def must(self, *words: str, **variables: str) -> Any:
        """What a command that must not fail prints with `--output json`."""
        done = self.run(*words, "--output", "json", **variables)
        assert done.code == 0, f"odyssey {' '.join(words)}\n{done.out[-2000:]}\n{done.err[-3000:]}"
        return done.document

    def client(self, service: str, **keys: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.variables["AWS_ENDPOINT_URL"],
            aws_access_key_id=keys.get("access", KEYS.access),
            aws_secret_access_key=keys.get("secret", KEYS.secret),
            config=Config(retries={"max_attempts": 1}, max_pool_connections=32),
        )

    def act_as(self, policies: list[dict[str, Any]]) -> None:
        """Go on as a user who has these policies and no more."""
        iam = self.client("iam")
        iam.create_user(UserName="deployer")
        for number, document in enumerate(policies):
            made = iam.create_policy(
                PolicyName=f"deployer-{number}", PolicyDocument=json.dumps(document)
            )
            iam.attach_user_policy(UserName="deployer", PolicyArn=made["Policy"]["Arn"])
        key = iam.create_access_key(UserName="deployer")["AccessKey"]
        self.variables = {
            **self.variables,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }


class Load:
    """Asks an endpoint again and again, for the length of a `with` block, and counts."""

    def __init__(self, client: Any, endpoint: str, body: bytes, threads: int = 4) -> None:
        self.answers: list[Any] = []
        self.failures: list[str] = []
        self._ask = lambda: client.invoke_endpoint(
            EndpointName=endpoint, Body=body, ContentType="application/json"
        )
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(threads)
        self._threads = threads

    def __enter__(self) -> Self:
        for _ in range(self._threads):
            self._pool.submit(self._go_on)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown()

    def _go_on(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers.append(json.load(self._ask()["Body"]))
            except Exception as error:
                self.failures.append(repr(error))
