"""The sandbox's benchmark: how soon it answers, what it adds to a call, how fast a batch goes."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.command_line import program
from benchmarks.containers import build_app, call, docker
from benchmarks.environments import UnavailableError
from benchmarks.goals import Goal
from benchmarks.results import Results
from benchmarks.visits import Visit

SECONDS, MILLISECONDS, ROWS = "s", "ms", "rows/s"
START, MOTO = "start to the first answer", "moto_server, to the first answer"
THROUGH, DIRECT = "InvokeEndpoint, with boto3", "the endpoint's container, directly"
LINES, FEWER_LINES = 5_000_000, 1_000_000
BATCH = f"a transform job of {LINES:,} rows, its container's start included"
SMALL = f"the same of {FEWER_LINES:,} rows"
BY_HAND = f"{LINES:,} rows posted to the endpoint's container, one body after the other"
GOALS = [Goal("batch", BATCH, ROWS, at_least=0.5, baseline=BY_HAND)]
MOST_SECONDS, MOST_MILLISECONDS = 3.0, 5.0
CALLS = 300
BODY = b'{"observation": [5.1, 3.5, 1.4, 0.2]}'
LINE = b"5.1,3.5,1.4,0.2\n"
PAYLOAD = 6 << 20
NAME = "benchmark"


def run(rounds: int, base: str | None) -> Results:
    """Start, call and transform in turn; also in ``results/sandbox.md`` and ``.json``.

    Args:
        rounds: How often; each in a sandbox of its own.
        base: What the app's image is built on; None takes the Dockerfile's own.

    Raises:
        UnavailableError: There is no Docker engine, or something does not work.
    """
    if shutil.which("docker") is None:
        raise UnavailableError("the docker program is not installed")
    results = Results()
    with tempfile.TemporaryDirectory(prefix="odyssey-sandbox-") as scratch:
        app = build_app(Path(scratch), base)
        for _ in range(rounds):
            visit = _moto()
            with _sandbox(app, Path(scratch)) as (account, seconds):
                account.serve(app)
                visit |= {START: Visit({SECONDS: seconds}, {})}
                visit |= account.calls() | account.batch()
            results.rounds.append(visit)
    _report(rounds, base, results)
    return results


def _report(rounds: int, base: str | None, results: Results) -> None:
    engine = docker("version", "--format", "{{.Server.Version}}")
    facts = {"rounds": f"{rounds}, interleaved", "base": base or "as the Dockerfile has it"}
    facts |= {"engine": engine} | report.machine()
    metrics = {
        SECONDS: (START, MOTO),
        MILLISECONDS: (THROUGH, DIRECT),
        ROWS: (BATCH, SMALL, BY_HAND),
    }
    pairs = [(name, metric) for metric, names in metrics.items() for name in names]
    rows = [["what", "median (lowest–highest)"]]
    rows += [[n, f"{report.spread(results.spread(n, metric))} {metric}"] for n, metric in pairs]
    lines = ["# The sandbox", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += [*report.table(_bounds(results)), "", *report.goal_table(GOALS, results), ""]
    lines += report.table(rows)
    values = {f"{name}, {metric}": results.values(name, metric) for name, metric in pairs}
    text = "\n".join(lines) + "\n"
    report.save("sandbox", text, {"facts": facts, "values": values})
    print(text)


def _bounds(results: Results) -> list[list[str]]:
    """Return the table of the goals that are no ratios."""
    start = statistics.median(results.values(START, SECONDS))
    pairs = zip(
        results.values(THROUGH, MILLISECONDS), results.values(DIRECT, MILLISECONDS), strict=True
    )
    added = statistics.median(through - direct for through, direct in pairs)
    rows = [
        (START, start, MOST_SECONDS, SECONDS),
        ("what InvokeEndpoint adds", added, MOST_MILLISECONDS, MILLISECONDS),
    ]
    head = ["what", "measured", "goal", "met"]
    return [
        head,
        *(
            [what, f"{got:.2f} {unit}", f"at most {most:g} {unit}", "yes" if got <= most else "no"]
            for what, got, most, unit in rows
        ),
    ]


def _moto() -> dict[str, Visit]:
    """Time moto's own server, which the sandbox stands on, from its start to the same answer."""
    begin = time.perf_counter()
    words = ["from moto.server import main", "main(['-p', '0'])"]
    argv = [sys.executable, "-c", "; ".join(words)]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as server:
        try:
            if server.stderr is None:
                raise ValueError("the server has no pipe")
            line = b""
            while b"Running on" not in line:
                line = server.stderr.readline()
                if not line:
                    raise UnavailableError("moto_server did not start")
            url = line.decode().split()[-1]
            _client("sts", url).get_caller_identity()
            return {MOTO: Visit({SECONDS: time.perf_counter() - begin}, {})}
        finally:
            server.terminate()


@contextlib.contextmanager
def _sandbox(app: Path, scratch: Path) -> Iterator[tuple[Account, float]]:
    environ = {**os.environ, "XDG_STATE_HOME": str(scratch / "state")}
    words = [*program(), "sandbox"]
    begin = time.perf_counter()
    told = call([*words, "start", "--executor", "docker", "--output", "json"], app, environ)
    url = json.loads(told)["url"]
    _client("sts", url).get_caller_identity()
    seconds = time.perf_counter() - begin
    try:
        leading = json.loads(call([*words, "env", "--output", "json"], app, environ))
        yield Account(url, {**environ, **leading}), seconds
    finally:
        call([*words, "stop"], app, environ)


@dataclass
class Account:
    """What is in a sandbox.

    Attributes:
        url: Where it answers.
        environ: The variables that lead there.
    """

    url: str
    environ: dict[str, str]

    def serve(self, app: Path) -> None:
        """Push the app's image, and put its model behind an endpoint."""
        pushed = json.loads(
            call([*program(), "docker", "push", "--output", "json"], app, self.environ)
        )
        trust: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole"}
        trust["Principal"] = {"Service": "sagemaker.amazonaws.com"}
        role = _client("iam", self.url).create_role(
            RoleName=NAME, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
        )
        s3 = _client("s3", self.url)
        s3.create_bucket(Bucket=NAME)
        s3.put_object(Bucket=NAME, Key="model.tar.gz", Body=_archive(app / "model"))
        sagemaker = _client("sagemaker", self.url)
        sagemaker.create_model(
            ModelName=NAME,
            ExecutionRoleArn=role["Role"]["Arn"],
            PrimaryContainer={
                "Image": pushed["image"],
                "ModelDataUrl": f"s3://{NAME}/model.tar.gz",
                "Environment": {"MODEL_SERVER_WORKERS": "2"},
            },
        )
        variant = {"VariantName": "AllTraffic", "ModelName": NAME, "InstanceType": "ml.m5.large"}
        sagemaker.create_endpoint_config(
            EndpointConfigName=NAME, ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
        )
        sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
        waiter = sagemaker.get_waiter("endpoint_in_service")
        waiter.wait(EndpointName=NAME, WaiterConfig={"Delay": 1})

    def calls(self) -> dict[str, Visit]:
        """Time calls by turns: through the sandbox, and to the container itself."""
        runtime = _client("sagemaker-runtime", self.url)
        connection = http.client.HTTPConnection("127.0.0.1", _port())
        times: dict[str, list[float]] = {THROUGH: [], DIRECT: []}
        for _ in range(CALLS):
            begin = time.perf_counter()
            runtime.invoke_endpoint(EndpointName=NAME, Body=BODY, ContentType="application/json")[
                "Body"
            ].read()
            middle = time.perf_counter()
            _post(connection, BODY, "application/json")
            times[THROUGH].append(1000 * (middle - begin))
            times[DIRECT].append(1000 * (time.perf_counter() - middle))
        connection.close()
        return {n: Visit({MILLISECONDS: statistics.median(t)}, {}) for n, t in times.items()}

    def batch(self) -> dict[str, Visit]:
        """Time transform jobs, and the same bodies posted to the endpoint's container."""
        rates = {
            # By hand first: a job's container stops for a while after the job is over.
            BY_HAND: LINES / _post_all(),
            SMALL: FEWER_LINES / self._transform(FEWER_LINES),
            BATCH: LINES / self._transform(LINES),
        }
        return {name: Visit({ROWS: rate}, {}) for name, rate in rates.items()}

    def _transform(self, lines: int) -> float:
        """Return how many seconds a job takes, from the request to its end."""
        name = f"{NAME}-{lines}"
        _client("s3", self.url).put_object(Bucket=NAME, Key=f"{name}/rows.csv", Body=LINE * lines)
        sagemaker = _client("sagemaker", self.url)
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{NAME}/{name}/"}}
        begin = time.perf_counter()
        sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=NAME,
            BatchStrategy="MultiRecord",
            TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
            TransformOutput={"S3OutputPath": f"s3://{NAME}/out", "AssembleWith": "Line"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )
        while (told := sagemaker.describe_transform_job(TransformJobName=name))[
            "TransformJobStatus"
        ] == "InProgress":
            time.sleep(0.05)
        seconds = time.perf_counter() - begin
        if told["TransformJobStatus"] != "Completed":
            raise UnavailableError(f"the transform job: {told.get('FailureReason')}")
        return seconds


def _post_all() -> float:
    connection = http.client.HTTPConnection("127.0.0.1", _port())
    count = PAYLOAD // len(LINE)
    begin = time.perf_counter()
    for first in range(0, LINES, count):
        _post(connection, LINE * min(count, LINES - first), "text/csv")
    seconds = time.perf_counter() - begin
    connection.close()
    return seconds


def _post(connection: http.client.HTTPConnection, body: bytes, kind: str) -> None:
    connection.request("POST", "/invocations", body, {"Content-Type": kind})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise UnavailableError(f"the container answered {answer.status}")


def _port() -> int:
    """Return the port of the endpoint's container."""
    (name,) = docker("ps", "--quiet", "--filter", "label=odyssey.owner").split()
    return int(docker("port", name, "8080/tcp").rpartition(":")[2])


def _archive(folder: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(folder / "model.pkl", "model.pkl")
    return packed.getvalue()


def _client(service: str, url: str) -> Any:
    import boto3

    from odyssey.sandbox.clients import KEYS

    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=KEYS.access,
        aws_secret_access_key=KEYS.secret,
    )
