"""Load: how much the server takes, what it does beyond that, and whether its memory grows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from benchmarks import load
from benchmarks.reliability.account import archive, enter, put
from benchmarks.reliability.experiment import LOAD, Experiment, Observed
from benchmarks.reliability.scene import Scene, require, until
from benchmarks.reliability.serving import (
    BODY,
    WHO,
    Clients,
    Server,
    percentile_ms,
    serve,
)

CONNECTIONS = 64
CROWD = 256
GROWTH_MB = 30.0
"""What a server's memory may grow by while it answers: caches and the allocator's own."""

ERRORS, GROWTH = "errors", "memory it grew by, MB"
SLEEP = 0.05
ENDPOINT_CLIENTS = 8


def _served(scene: Scene, door: str) -> Server:
    require("wrk", "wrk")
    return serve(scene, scene.app(), "--kind", door, "--workers", "2")


def _held(scene: Scene, server: Server) -> Observed:
    """Load it for a window, after a short one that warms it up."""
    load.window(server.port, "/invocations", BODY, connections=CONNECTIONS, seconds=3)
    before = server.memory_mb()
    seconds = scene.workshop.seconds
    window = load.window(
        server.port, "/invocations", BODY, connections=CONNECTIONS, seconds=seconds
    )
    return Observed(
        {
            "requests": window.requests,
            "requests/s": round(window.requests / window.seconds),
            "p50, ms": window.p50_ms,
            "p99, ms": window.p99_ms,
            ERRORS: window.errors,
            "memory before, MB": round(before, 1),
            GROWTH: round(server.memory_mb() - before, 1),
        }
    )


def _held_verdict(seen: Observed) -> Iterator[str]:
    if seen.figures[ERRORS]:
        yield f"{seen.figures[ERRORS]} requests failed"
    if float(seen.figures[GROWTH]) > GROWTH_MB:
        yield f"the memory grew by {seen.figures[GROWTH]} MB, more than {GROWTH_MB:g}"
    if not seen.figures["requests"]:
        yield "nothing was answered"


def _slow(scene: Scene) -> Server:
    app = scene.app()
    (app / "serve.py").write_text(WHO, encoding="utf-8")
    return serve(scene, app, "--workers", "2", MODEL_SERVER_THREADS="4")


def _overload(scene: Scene, server: Server) -> Observed:
    """Ask for far more than two workers of four threads can answer at 50 ms each."""
    capacity = 2 * 4 / SLEEP
    clients = Clients(server.port, CROWD, f'{{"sleep": {SLEEP}}}')
    begin = time.monotonic()
    with clients.running():
        time.sleep(min(10.0, scene.workshop.seconds))
        asleep = time.monotonic()
        pinged = load.answers_200(server.port, "/ping")
        ping = time.monotonic() - asleep
    seconds = time.monotonic() - begin
    seen = Observed(
        {
            "clients at once": CROWD,
            "what 2 workers of 4 threads can answer, requests/s": capacity,
            "answered with 200, requests/s": round(clients.answers[200] / seconds, 1),
            "answered with 503": clients.answers[503],
            "other answers": sum(clients.answers.values())
            - clients.answers[200]
            - clients.answers[503],
            "lost": clients.lost,
            "p50, ms": round(percentile_ms(clients.times, 0.5)),
            "p99, ms": round(percentile_ms(clients.times, 0.99)),
            "/ping meanwhile, ms": round(1000 * ping),
        },
        remarks=["What is too much waits its turn in the server, and none of it is refused."]
        if not clients.answers[503]
        else [],
    )
    if not pinged:
        seen.faults.append("/ping was not answered with 200 meanwhile")
    begin = time.monotonic()
    if not until(lambda: load.predicted(server.port, "/invocations", '{"sleep": 0}'), 30):
        seen.faults.append("it does not answer after the overload")
    seen.figures["first answer after it, ms"] = round(1000 * (time.monotonic() - begin))
    return seen


def _overload_verdict(seen: Observed) -> Iterator[str]:
    if seen.figures["lost"] or seen.figures["other answers"]:
        yield "requests were lost, or answered neither with 200 nor with 503"
    if float(seen.figures["answered with 200, requests/s"]) < 20:
        yield "hardly anything was answered"


def _endpoint(scene: Scene) -> Callable[[], None]:
    app = scene.app()
    account = enter(scene, app)
    account.bucket("models")
    put(account, "models", "model.tar.gz", archive(app))
    sagemaker = account.client("sagemaker")
    image = scene.variables["ODYSSEY_ARTIFACTS_IMAGE"]
    container = {"Image": image, "ModelDataUrl": "s3://models/model.tar.gz"}
    sagemaker.create_model(
        ModelName="load", ExecutionRoleArn=account.role(), PrimaryContainer=container
    )
    variant = {"VariantName": "All", "ModelName": "load", "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="load", ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName="load", EndpointConfigName="load")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="load", WaiterConfig={"Delay": 1})
    runtime = account.client("sagemaker-runtime")

    def call() -> None:
        answer = runtime.invoke_endpoint(
            EndpointName="load", Body=BODY.encode(), ContentType="application/json"
        )
        if b"prediction" not in answer["Body"].read():
            raise ValueError("an answer without a prediction")

    return call


def _endpoint_held(scene: Scene, call: Callable[[], None]) -> Observed:
    from concurrent.futures import ThreadPoolExecutor

    from botocore.exceptions import BotoCoreError, ClientError

    times: list[float] = []
    errors: list[str] = []
    end = time.monotonic() + min(15.0, scene.workshop.seconds)

    def client() -> None:
        while time.monotonic() < end:
            begin = time.monotonic()
            try:
                call()
                times.append(time.monotonic() - begin)
            except (BotoCoreError, ClientError, ValueError) as error:
                errors.append(str(error))

    begin = time.monotonic()
    with ThreadPoolExecutor(ENDPOINT_CLIENTS) as pool:
        for _ in range(ENDPOINT_CLIENTS):
            pool.submit(client)
    seconds = time.monotonic() - begin
    seen = Observed(
        {
            "requests": len(times),
            "requests/s": round(len(times) / seconds),
            "p50, ms": round(percentile_ms(times, 0.5), 1),
            "p99, ms": round(percentile_ms(times, 0.99), 1),
            ERRORS: len(errors),
        },
        remarks=["boto3's clients run on the same two cores, and take most of the time."],
    )
    seen.faults += errors[:1]
    if not times:
        seen.faults.append("nothing was answered")
    return seen


def _door(door: str, title: str) -> Experiment:
    return Experiment(
        f"load-{door}",
        LOAD,
        f"{CONNECTIONS} connections ask the {title} door, one request in flight on each",
        f"no request fails, and the memory grows by no more than {GROWTH_MB:g} MB",
        lambda scene: _served(scene, door),
        _held,
        lambda _scene, _server, seen: seen,
        _held_verdict,
    )


EXPERIMENTS = [
    _door("fast", "fast"),
    _door("flask", "Flask"),
    Experiment(
        "overload",
        LOAD,
        f"{CROWD} clients ask at once for predictions of {1000 * SLEEP:.0f} ms, several times what "
        "the server can answer",
        "each is answered, with 200 or with 503; /ping is answered meanwhile",
        _slow,
        _overload,
        lambda _scene, _server, seen: seen,
        _overload_verdict,
    ),
    Experiment(
        "load-sandbox-endpoint",
        LOAD,
        f"{ENDPOINT_CLIENTS} clients of boto3 invoke an endpoint of a sandbox",
        "no request fails",
        _endpoint,
        _endpoint_held,
        lambda _scene, _call, seen: seen,
    ),
]
