"""One visit to a subject: start it, check its answers, measure what is asked for, stop it."""

from __future__ import annotations

import math
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from benchmarks import environments, load
from benchmarks.environments import UnavailableError
from benchmarks.processes import ServerProcesses, machine_cpu_seconds, running, wait_until
from benchmarks.subjects import Inputs, Setting, Subject, free_port

START_SECONDS = 45.0
REQUESTS_BEFORE_MEMORY = 20
BATCHES = 5
TOLERATED_FOREIGN_PERCENT = 8.0
"""A window in which other programs took more of the cores is measured twice, the quieter counts."""

FOREIGN = "foreign %"
START, FIRST, MEMORY = "start s", "first prediction s", "PSS MB"
BATCH_SECONDS, BATCH_PEAK = "5 MB CSV s", "5 MB CSV peak MB"


def rate(connections: int) -> str:
    """Return the metric's name: requests per second at a concurrency."""
    return f"c{connections} requests/s"


def p99(connections: int) -> str:
    """Return the metric's name: the latency that 99 % of the requests stay below."""
    return f"c{connections} p99 ms"


def foreign(connections: int) -> str:
    """Return the metric's name: the cores' time that other programs took, in percent."""
    return f"c{connections} {FOREIGN}"


class WrongAnswerError(UnavailableError):
    """The subject answers otherwise than the model itself, so its speed says nothing."""


@dataclass(frozen=True)
class Visit:
    """What one visit yielded: metric to value, and metric to why its value does not count."""

    values: dict[str, float]
    invalid: dict[str, str]


def visit(subject: Subject, inputs: Inputs, wanted: set[str] | None, seconds: float) -> Visit:
    """Measure ``subject`` once.

    Args:
        subject: What to start.
        inputs: The model, and the answers to expect.
        wanted: Metrics to take; None: all that the subject has.
        seconds: Length of a window of single records.

    Raises:
        UnavailableError: It cannot be started here, or its answers are wrong.
    """
    missing = [program for program in subject.programs if shutil.which(program) is None]
    if missing:
        raise UnavailableError(f"{', '.join(missing)} is not installed")
    scratch = Path(tempfile.mkdtemp(dir=inputs.folder, prefix=f"{subject.name}-"))
    try:
        python = environments.ensure(subject.environment)
        setting = Setting(python, free_port(), inputs, scratch)
        return _Visitor(subject, setting, wanted, seconds).measured()
    except (OSError, HTTPException, ArithmeticError, LookupError, TypeError, ValueError) as error:
        # A broken connection, or an answer of another shape than the protocol's.
        raise UnavailableError(f"{type(error).__name__}: {error}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class _Visitor:
    """The steps of one visit, in their order, over one running server."""

    def __init__(
        self, subject: Subject, setting: Setting, wanted: set[str] | None, seconds: float
    ) -> None:
        self._subject, self._setting, self._inputs = subject, setting, setting.inputs
        self._wanted, self._seconds = wanted, seconds
        self._values: dict[str, float] = {}
        self._invalid: dict[str, str] = {}

    def measured(self) -> Visit:
        launch = self._subject.launch(self._setting)
        clean = environments.clean_variables()
        begin = time.perf_counter()
        with running(launch, clean, self._setting.scratch) as server:
            self._start(server, begin)
            self._check_records()
            self._memory(server)
            for connections in self._subject.concurrency:
                if self._wants(rate(connections), p99(connections)):
                    self._window(server, connections)
            if self._subject.batch and self._wants(BATCH_SECONDS, BATCH_PEAK):
                self._batch(server, self._subject.batch)
        return Visit(self._values, self._invalid)

    def _wants(self, *metrics: str) -> bool:
        return self._wanted is None or not self._wanted.isdisjoint(metrics)

    def _start(self, server: ServerProcesses, begin: float) -> None:
        port, protocol = self._setting.port, self._subject.protocol
        body = protocol.body(self._inputs.records[0])
        wait_until(lambda: load.answers_200(port, protocol.health), server, START_SECONDS, "a 200")
        self._values[START] = time.perf_counter() - begin
        wait_until(
            lambda: load.predicted(port, protocol.predict, body) is not None,
            server,
            START_SECONDS,
            "a prediction",
        )
        self._values[FIRST] = time.perf_counter() - begin

    def _check_records(self) -> None:
        protocol = self._subject.protocol
        cases = list(zip(self._inputs.records, self._inputs.answers, strict=True)) * 8
        bodies = [protocol.body(record) for record, _ in cases]
        # At once, so that a server that answers several records together has to sort them out.
        with ThreadPoolExecutor(len(cases)) as pool:
            path = protocol.predict
            answers = pool.map(lambda body: load.predicted(self._setting.port, path, body), bodies)
            for body, (_, expected), raw in zip(bodies, cases, answers, strict=True):
                if raw is None or protocol.answer(raw) != expected:
                    raise WrongAnswerError(f"answers {raw} to {body}; the model says {expected}")

    def _memory(self, server: ServerProcesses) -> None:
        protocol, records = self._subject.protocol, self._inputs.records
        for number in range(REQUESTS_BEFORE_MEMORY):
            body = protocol.body(records[number % len(records)])
            load.ask(self._setting.port, protocol.predict, body.encode())
        time.sleep(0.5)
        self._values[MEMORY] = server.pss_mb()

    def _window(self, server: ServerProcesses, connections: int) -> None:
        values, errors = self._loaded(server, connections)
        if values[foreign(connections)] > TOLERATED_FOREIGN_PERCENT and not errors:
            again, errors = self._loaded(server, connections)
            values = min(values, again, key=lambda side: side[foreign(connections)])
        self._values |= values
        if errors or not values[rate(connections)]:
            reason = errors or f"no answer within {self._seconds:g} s"
            self._invalid |= {rate(connections): reason, p99(connections): reason}

    def _loaded(self, server: ServerProcesses, connections: int) -> tuple[dict[str, float], str]:
        """Return the metrics of one window after its warm-up, and what errors there were."""
        port, path = self._setting.port, self._subject.protocol.predict
        body = self._subject.protocol.body(self._inputs.records[0])
        load.window(port, path, body, connections=connections, seconds=1)
        before, machine, wrk = server.cpu_seconds(), machine_cpu_seconds(), _children_cpu_seconds()
        window = load.window(port, path, body, connections=connections, seconds=self._seconds)
        machine, wrk = machine_cpu_seconds() - machine, _children_cpu_seconds() - wrk
        cpu = server.cpu_seconds() - before
        others = max(0.0, machine - cpu - wrk) / window.seconds / (os.cpu_count() or 1)
        values = {
            rate(connections): window.requests / window.seconds,
            f"c{connections} p50 ms": window.p50_ms,
            p99(connections): window.p99_ms,
            f"c{connections} CPU us": cpu / max(1, window.requests) * 1e6,
            foreign(connections): others * 100,
        }
        return values, f"{window.errors} errors" if window.errors else ""

    def _batch(self, server: ServerProcesses, kind: str) -> None:
        server.reset_peaks()
        answers = load.batch(
            self._setting.port, self._subject.protocol.predict, self._inputs.batch, BATCHES
        )
        self._values[BATCH_PEAK] = server.peak_mb()
        self._values[BATCH_SECONDS] = statistics.median(answer.seconds for answer in answers)
        for answer in answers:
            problem = self._batch_problem(answer, kind)
            if problem:
                self._invalid |= {BATCH_SECONDS: problem, BATCH_PEAK: problem}

    def _batch_problem(self, answer: load.Answer, kind: str) -> str:
        if answer.status != 200:
            return f"status {answer.status} to the CSV: {answer.body[:100]!r}"
        lines = answer.body.decode().splitlines()
        if len(lines) != self._inputs.rows:
            return f"{len(lines)} lines in answer to {self._inputs.rows} rows"
        # Any order or rounding of the same answers has the same sum, whatever wrote the floats.
        sum_, expected = math.fsum(map(float, lines)), self._inputs.sums[kind]
        return "" if math.isclose(sum_, expected, rel_tol=1e-9) else f"answers sum to {sum_}"


def _children_cpu_seconds() -> float:
    """Return the CPU time of this process's children that have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def metrics(subject: Subject) -> Iterator[str]:
    """Yield the metrics that a subject has, in the order of the report."""
    for connections in subject.concurrency:
        yield from (rate(connections), f"c{connections} p50 ms", p99(connections))
        yield from (f"c{connections} CPU us", foreign(connections))
    yield from (START, FIRST, MEMORY)
    if subject.batch:
        yield from (BATCH_SECONDS, BATCH_PEAK)
