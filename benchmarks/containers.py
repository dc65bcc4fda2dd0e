"""The container benchmark: building the app's image, its size, and how soon it answers."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import report
from benchmarks.command_line import program
from benchmarks.environments import UnavailableError
from benchmarks.goals import Goal
from benchmarks.results import Results
from benchmarks.visits import Visit

SECONDS, MEGABYTES = "s", "MB"
FIRST, AGAIN = "first build", "build after an edit of the code"
OURS, NAIVE = "the app's image", "a naive image"
READY, BARE = "the app's container, to the first 200", "a bare Flask handler in the same image"
GOALS = [
    Goal("rebuild", AGAIN, SECONDS, at_most=0.15, baseline=FIRST),
    Goal("size", OURS, MEGABYTES, at_most=0.60, baseline=NAIVE),
    Goal("start", READY, SECONDS, at_most=1.10, baseline=BARE),
]
PEERS = Path(__file__).parent / "peers"
PATIENCE = 60.0


@dataclass(frozen=True)
class Bases:
    """What the images are built on.

    Attributes:
        ours: A Debian with Python; None takes the Dockerfile's own.
        naive: A Debian without; None takes the Dockerfile's own.
    """

    ours: str | None
    naive: str | None


def run(rounds: int, bases: Bases) -> Results:
    """Build and start in turn; the table is also in ``results/containers.md`` and ``.json``.

    Args:
        rounds: How often each is timed. The first round's first build fetches what pip needs.
        bases: What the images are built on.

    Raises:
        UnavailableError: There is no Docker engine, or a build or a start fails.
    """
    if shutil.which("docker") is None:
        raise UnavailableError("the docker program is not installed")
    results = Results()
    with tempfile.TemporaryDirectory(prefix="odyssey-containers-") as scratch:
        app = _app(Path(scratch))
        size = {NAIVE: _naive(app, bases)}
        for _ in range(rounds):
            times = {FIRST: _build(app, bases, "--fresh")}
            with (app / "serve.py").open("a") as code:
                code.write("# an edit\n")
            times[AGAIN] = _build(app, bases)
            times |= {READY: _start(app, ["serve"]), BARE: _start(app, _bare_handler())}
            size[OURS] = _megabytes("benchmark-ours")
            visits = {name: Visit({SECONDS: seconds}, {}) for name, seconds in times.items()}
            visits |= {name: Visit({MEGABYTES: amount}, {}) for name, amount in size.items()}
            results.rounds.append(visits)
    _report(rounds, bases, results)
    return results


def _report(rounds: int, bases: Bases, results: Results) -> None:
    base = f"{bases.ours or 'as the Dockerfile has it'}; {bases.naive or 'debian:bookworm-slim'}"
    engine = docker("version", "--format", "{{.Server.Version}}")
    facts = {"rounds": f"{rounds}, interleaved", "bases": base, "engine": engine}
    facts |= report.machine()
    rows = [["what", "median (lowest–highest)"]]
    for name in (FIRST, AGAIN, READY, BARE):
        rows.append([name, f"{report.spread(results.spread(name, SECONDS))} s"])
    for name in (OURS, NAIVE):
        rows.append([name, f"{report.spread(results.spread(name, MEGABYTES))} MB"])
    lines = ["# Containers", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += [*report.goal_table(GOALS, results), "", *report.table(rows)]
    values = {name: results.values(name, SECONDS) for name in (FIRST, AGAIN, READY, BARE)}
    sizes = {name: results.values(name, MEGABYTES) for name in (OURS, NAIVE)}
    text = "\n".join(lines) + "\n"
    report.save("containers", text, {"facts": facts, "seconds": values, "megabytes": sizes})
    print(text)


def build_app(scratch: Path, base: str | None) -> Path:
    """Return a new app, trained, whose image is built under its own name.

    Args:
        scratch: The folder that it is made in.
        base: What the image is built on; None takes the Dockerfile's own.
    """
    app = _app(scratch)
    call([*program(), "docker", "build", *(["--base", base] if base else [])], app)
    return app


def _app(scratch: Path) -> Path:
    """Return a new app, trained."""
    call([*program(), "init", "start", "bench", "--no-input"], scratch)
    app = scratch / "bench"
    call([*program(), "local", "train"], app)
    return app


def _build(app: Path, bases: Bases, *options: str) -> float:
    base = ["--base", bases.ours] if bases.ours else []
    begin = time.perf_counter()
    call([*program(), "docker", "-n", "benchmark-ours", "build", *base, *options], app)
    return time.perf_counter() - begin


def _naive(app: Path, bases: Bases) -> float:
    base = ["--build-arg", f"BASE={bases.naive}"] if bases.naive else []
    dockerfile = str(PEERS / "naive_image" / "Dockerfile")
    call(["docker", "build", "-q", "-t", "benchmark-naive", "-f", dockerfile, *base, "."], app)
    return _megabytes("benchmark-naive")


def _megabytes(image: str) -> float:
    return int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6


def _bare_handler() -> list[str]:
    """Return the command of the least Flask application, with as many workers as ours."""
    workers = ["--workers", "2", "--bind", "0.0.0.0:8080"]
    return ["python", "-m", "gunicorn", *workers, "--chdir", "/bare", "server:app"]


def _start(app: Path, command: list[str]) -> float:
    """Return the seconds from the start of a container to its first 200 on ``/ping``."""
    with _container(app, command) as name:
        begin = time.perf_counter()
        docker("start", name)
        port = int(docker("port", name, "8080/tcp").rpartition(":")[2])
        while not _is_ready(port):
            if time.perf_counter() - begin > PATIENCE:
                raise UnavailableError(f"{' '.join(command)} was not ready in {PATIENCE:g} s")
            time.sleep(0.005)
        return time.perf_counter() - begin


@contextlib.contextmanager
def _container(app: Path, command: list[str]) -> Iterator[str]:
    variables = ["MODEL_SERVER_WORKERS=2", "BENCHMARK_MODEL=/opt/ml/model/model.pkl"]
    options = [word for each in [*variables, "BENCHMARK_ANSWERS="] for word in ("--env", each)]
    publish = ["--publish", "127.0.0.1::8080"]
    name = docker("create", *publish, *options, "benchmark-ours", *command)
    try:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "ml").mkdir()
            shutil.copytree(app / "model", Path(folder) / "ml" / "model")
            docker("cp", f"{folder}/ml", f"{name}:/opt")
        docker("cp", str(PEERS / "bare"), f"{name}:/bare")
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def docker(*words: str) -> str:
    """Return what the ``docker`` program prints."""
    return call(["docker", *words], Path.cwd()).strip()


def call(argv: list[str], folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """Return what a command prints.

    Args:
        argv: The command.
        folder: Where it runs.
        environ: Its variables. Default: those of this process.

    Raises:
        UnavailableError: It fails.
    """
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, check=False, env=environ
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        raise UnavailableError(f"{' '.join(argv[:3])} failed: {last[0]}")
    return done.stdout
