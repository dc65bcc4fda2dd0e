"""What is measured: a subject is one server in one configuration, started the way its docs say."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.processes import Launch

WORKERS = 2
PORTS = range(20_000, 32_000)
SLOW_CONCURRENCY = (8,)
"""For a model of 50 ms a request: at 64, a request waits 1.6 s, as long as a window lasts."""


@dataclass(frozen=True)
class Inputs:
    """What every subject is given: the trained model, a 5 MB batch, the answers to expect.

    Attributes:
        folder: Holds ``model.pkl``, ``slow.pkl``, ``model.joblib`` and ``batch.csv``.
        records: Single records, four numbers each.
        answers: The model's own answer to each record.
        rows: Number of rows of the batch.
        sums: The sum of the model's own answers over the batch, for "integers" and "floats".
    """

    folder: Path
    records: list[list[float]]
    answers: list[int]
    rows: int
    sums: dict[str, float]

    @property
    def batch(self) -> Path:
        """The batch's file."""
        return self.folder / "batch.csv"


@dataclass(frozen=True)
class Setting:
    """What a subject's start is given.

    Attributes:
        python: Interpreter of its environment.
        port: Port to listen on, on 127.0.0.1.
        inputs: The model and its data.
        scratch: An empty folder of its own, removed afterwards.
        workers: Number of processes that predict.
    """

    python: Path
    port: int
    inputs: Inputs
    scratch: Path
    workers: int = WORKERS

    def program(self, name: str) -> str:
        """Return the path of a program of the subject's environment."""
        return str(self.python.with_name(name))


def _observation(record: list[float]) -> object:
    return {"observation": record}


def _prediction(answer: Any) -> int:
    return int(answer["prediction"])


@dataclass(frozen=True)
class Protocol:
    """How a server is asked: routes, one record's JSON body, and the class in its answer."""

    health: str = "/ping"
    predict: str = "/invocations"
    question: Callable[[list[float]], object] = _observation
    answer: Callable[[Any], int] = _prediction

    def body(self, record: list[float]) -> str:
        """Return the request's body for one record."""
        return json.dumps(self.question(record))


@dataclass(frozen=True)
class Subject:
    """One server in one configuration.

    Attributes:
        name: What ``--peers`` and the tables call it.
        title: What it is, in a few words.
        environment: Folder of ``benchmarks/peers`` whose requirements it runs with.
        launch: Makes the command that starts it.
        protocol: How it is asked.
        concurrency: Loads of single records to measure, in requests in flight.
        batch: Answers that its CSV batch yields, "integers" or "floats"; None: no batch.
        programs: Programs that must be on PATH.
        note: How it had to be set up, for the report.
    """

    name: str
    title: str
    environment: str
    launch: Callable[[Setting], Launch]
    protocol: Protocol = field(default_factory=Protocol)
    concurrency: tuple[int, ...] = (1, 8, 64)
    batch: str | None = None
    programs: tuple[str, ...] = ()
    note: str = ""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on now.

    It lies below the range from which the system takes the ports of outgoing connections, so that
    no client takes it before the server does (multi-model-server refuses that range anyway).
    """
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
