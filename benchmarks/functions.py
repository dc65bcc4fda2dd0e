"""The function benchmark: how soon a function answers, and how long a warm one takes."""

from __future__ import annotations

import contextlib
import http.client
import pickle
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import report
from benchmarks.command_line import program
from benchmarks.containers import PATIENCE, PEERS, call, docker
from benchmarks.environments import UnavailableError
from benchmarks.goals import Goal
from benchmarks.results import Results
from benchmarks.visits import Visit

OURS, PLAIN = "app.serve", "a plain handler that loads the model on each call"
TREES = ", 900 trees"
HANDLERS = {OURS: "app.serve", PLAIN: "plain.serve"}
SUBJECTS = {name + model: (name, model) for model in ("", TREES) for name in HANDLERS}
COLD, WARM, TOLD = "cold, s", "warm, ms", "warm, as reported, ms"
GOALS = [
    Goal("cold", OURS, COLD, at_most=1.25, baseline=PLAIN),
    Goal("warm", OURS, WARM, at_most=1.25, baseline=PLAIN),
    Goal("trees", OURS + TREES, COLD, at_most=1.25, baseline=PLAIN + TREES),
    Goal("trees", OURS + TREES, WARM, at_most=0.5, baseline=PLAIN + TREES),
]
CALLS = 300
EVENT = b'{"observation": [5.1, 3.5, 1.4, 0.2]}'
ANSWER = b'{"prediction": "Iris-setosa"}'


def run(rounds: int, base: str | None) -> Results:
    """Start and call in turn; the table is also in ``results/functions.md`` and ``.json``.

    Both handlers are in one image, which runs as Lambda would run it: read-only, as nobody in
    particular, beside the emulator that hands it events.

    Args:
        rounds: How often each is started.
        base: What the image is built on; None takes the Dockerfile's own.

    Raises:
        UnavailableError: There is no Docker engine, or something does not work.
    """
    if shutil.which("docker") is None:
        raise UnavailableError("the docker program is not installed")
    results = Results()
    with tempfile.TemporaryDirectory(prefix="odyssey-functions-") as scratch:
        app = _app(Path(scratch), base)
        models = {"": app / "model", TREES: _trees(app, Path(scratch, "trees"))}
        for _ in range(rounds):
            results.rounds.append(
                {
                    subject: _visit(models[model], HANDLERS[name])
                    for subject, (name, model) in SUBJECTS.items()
                }
            )
    _report(rounds, base, results)
    return results


def _report(rounds: int, base: str | None, results: Results) -> None:
    engine = docker("version", "--format", "{{.Server.Version}}")
    facts = {"rounds": f"{rounds}, interleaved", "base": base or "as the Dockerfile has it"}
    facts |= {"engine": engine} | report.machine()
    rows = [["what", *(f"{metric}: median (lowest–highest)" for metric in (COLD, WARM, TOLD))]]
    for name in SUBJECTS:
        rows.append(
            [name, *(report.spread(results.spread(name, metric)) for metric in (COLD, WARM, TOLD))]
        )
    lines = ["# Functions", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += [*report.goal_table(GOALS, results), "", *report.table(rows)]
    values = {
        name: {metric: results.values(name, metric) for metric in (COLD, WARM, TOLD)}
        for name in SUBJECTS
    }
    text = "\n".join(lines) + "\n"
    report.save("functions", text, {"facts": facts, "values": values})
    print(text)


def _app(scratch: Path, base: str | None) -> Path:
    """Return a new app for Lambda, trained, with the plain handler beside its own."""
    call([*program(), "init", "-s", "lambda", "start", "bench", "--no-input"], scratch)
    app = scratch / "bench"
    call([*program(), "local", "train"], app)
    shutil.copy(PEERS / "plain_function" / "plain.py", app)
    base_words = ["--base", base] if base else []
    call([*program(), "docker", "-n", "benchmark-function", "build", *base_words], app)
    return app


def _trees(app: Path, folder: Path) -> Path:
    """Return a folder with a model that takes longer to load than to ask: boosted trees."""
    import pandas
    from sklearn.ensemble import GradientBoostingClassifier

    (data,) = (app / "input" / "data" / "training").iterdir()
    table = pandas.read_csv(data, header=None)
    model = GradientBoostingClassifier(n_estimators=300, random_state=0)
    model.fit(table.iloc[:, :-1].to_numpy(), table.iloc[:, -1].to_numpy())
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    return folder


def _visit(model: Path, handler: str) -> Visit:
    """Start a function, call it again and again, and return how long it took."""
    with _container(model, handler) as name:
        begin = time.perf_counter()
        docker("start", name)
        port = int(docker("port", name, "8080/tcp").rpartition(":")[2])
        while _call(port) is None:
            if time.perf_counter() - begin > PATIENCE:
                raise UnavailableError(f"{handler} did not answer in {PATIENCE:g} s")
            time.sleep(0.005)
        cold = time.perf_counter() - begin
        times, told = [], []
        for _ in range(CALLS):
            begin = time.perf_counter()
            told.append(_call(port))
            times.append(1000 * (time.perf_counter() - begin))
    reported = [milliseconds for milliseconds in told if milliseconds is not None]
    values = {COLD: cold, WARM: statistics.median(times), TOLD: statistics.median(reported)}
    return Visit(values, {})


@contextlib.contextmanager
def _container(model: Path, handler: str) -> Iterator[str]:
    """Make a container that runs as Lambda's do, for the length of a ``with`` block."""
    from odyssey.functions.emulated import FOLDER, RUNTIME, SOURCE, command

    _, *words = command(["python", *RUNTIME, handler], timeout=60)
    confined = ["--read-only", "--tmpfs", "/tmp", "--user", "993:990", "--memory", "1024m"]  # noqa: S108
    given = [f"{model}:/opt/ml/model:ro", f"{SOURCE.parent}:{FOLDER}:ro"]
    mounts = [word for each in given for word in ("--volume", each)]
    publish = ["--publish", "127.0.0.1::8080", "--entrypoint", "python"]
    name = docker("create", *confined, *mounts, *publish, "benchmark-function", *words)
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


def _call(port: int) -> float | None:
    """Send an event; return how long it took as Lambda counts it, or None before it listens."""
    from odyssey.errors import RequestError
    from odyssey.functions.emulated import Emulated

    try:
        outcome = Emulated(("127.0.0.1", port)).invoke(EVENT, 60)
    except (RequestError, OSError, http.client.HTTPException):
        return None
    if outcome.error or outcome.payload != ANSWER:
        raise UnavailableError(f"the function answered {outcome.payload!r}")
    return float(outcome.report["duration_ms"])
