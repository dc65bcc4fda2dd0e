"""A sandbox as the place of the page: its endpoints and functions, and their logs."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from odyssey import limits
from odyssey.errors import AwsError, OdysseyError
from odyssey.jobs import logs
from odyssey.playground.log import Log
from odyssey.playground.place import ENDED, READY, Reply, State
from odyssey.sandbox import records, standing
from odyssey.sandbox.clients import ITS_OWN, KEYS
from odyssey.sandbox.ui import asking
from odyssey.sandbox.ui.asking import Run
from odyssey.sandbox.ui.clients import Clients

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from odyssey.client import Body
    from odyssey.config import Config
    from odyssey.sandbox.records import Record

GROUPS = {"endpoint": "/aws/sagemaker/Endpoints", "function": "/aws/lambda"}
"""The kinds that take requests, and where their logs are."""

SHOWN = timedelta(minutes=10)
"""How old a line of a log may be to be shown."""

LOOK = 0.5
"""Seconds between two looks at a log."""


class CloudLog(Log):
    """A log that is in the sandbox's CloudWatch, and is read while somebody waits for news.

    Args:
        tail: Reads it.
        state: Returns how the sandbox stands.
    """

    def __init__(self, tail: Callable[[], logs.Tail], state: Callable[[], State]) -> None:
        """Nothing is read yet."""
        super().__init__()
        self._make_tail = tail
        self._now = state
        self._one_at_a_time = threading.Lock()

    @cached_property
    def _tail(self) -> logs.Tail:
        return self._make_tail()

    def _until_news(self, after: int, phase: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while True:
            self._look()
            left = max(deadline - time.monotonic(), 0)
            found = super()._until_news(after, phase, min(LOOK, left))
            if found or not left:
                return found

    def _look(self) -> None:
        with self._one_at_a_time:
            state = self._now()
            if state != self.state:
                self.tell(state)
            if state.phase == READY:
                try:
                    lines = self._tail.new()
                except AwsError:  # It is about to end, or a fault was ordered.
                    return
                self.add(part for line in lines for part in self._tail.shown(line).split("\n"))


class CloudTarget:
    """An endpoint or a function, as what takes requests.

    Args:
        run: Which.
        url: The sandbox's URL.
        clients: Makes clients.
        log: Its log.
        enter: The command that leads a terminal into the sandbox.
    """

    def __init__(self, run: Run, url: str, clients: Clients, log: Log, enter: str) -> None:
        """It may have gone since."""
        self.log = log
        self.status = ""
        self.key = f"{run.kind}/{run.region}/{run.name}"
        self._run = run
        self._url = url
        self._clients = clients
        self._enter = enter

    @property
    def limit(self) -> int:
        """Bytes of the largest request."""
        return limits.LARGEST if self._run.kind == "endpoint" else limits.LARGEST_EVENT

    def document(self) -> dict[str, Any]:
        """Return what the page shows of it."""
        kind, region, name = self._run.kind, self._run.region, self._run.name
        service, command, path = {
            "endpoint": (
                "sagemaker",
                f"odyssey sagemaker invoke --endpoint-name {name}",
                f"/endpoints/{name}/invocations",
            ),
            "function": (
                "lambda",
                f"odyssey lambda invoke -n {name}",
                f"/2015-03-31/functions/{name}/invocations",
            ),
        }[kind]
        return {
            "key": self.key,
            "name": name,
            "kind": kind,
            "region": region,
            "status": self.status,
            "url": f"{self._url}{path}",
            "command": f"{command} --region {region}",
            "where": f"In the app's folder, after {self._enter}",
            "curl": f"curl -sS --aws-sigv4 aws:amz:{region}:{service} "
            f"--user {KEYS.access}:{KEYS.secret}",
        }

    def send(self, sent: Body, accept: str | None) -> Reply:
        """Send a request and return its answer."""
        ask = asking.endpoint if self._run.kind == "endpoint" else asking.function
        return ask(self._clients, self._run, sent, accept)


class SandboxPlace:
    """A sandbox, as the place of the page.

    Args:
        record: The sandbox.
        settings: The settings of the app whose samples are shown; None without an app.
        wanted: The name of the endpoint or function to choose first; "" for any.
    """

    def __init__(self, record: Record, settings: Config | None, wanted: str = "") -> None:
        """Nothing is asked yet."""
        named = "" if record.name == records.DEFAULT else f" --name {record.name}"
        self.name = f"sandbox {record.name}"
        self.again = f"odyssey sandbox ui{named}"
        self.app: Path | None = settings.folder if settings else None
        self.samples = settings.docker.samples if settings else ""
        self._record = record
        self._enter = f'eval "$(odyssey sandbox env{named})"'
        self._wanted = wanted
        self._clients = Clients(record.url)
        self._known: dict[Run, CloudTarget] = {}
        self._lock = threading.Lock()

    def state(self) -> State:
        """Return whether the sandbox runs."""
        if records.is_running(self._record.name):
            return State(READY)
        return State(ENDED, f'The sandbox "{self._record.name}" has stopped.')

    def targets(self) -> Sequence[CloudTarget]:
        """Return its endpoints and functions: the one that is wanted first, then the newest."""
        if self.state().phase == ENDED:
            return list(self._known.values())
        told = standing.standing(self._record).document["runs"]
        found = [self._target(each) for each in reversed(told) if each["kind"] in GROUPS]
        return sorted(found, key=lambda each: each.document()["name"] != self._wanted)

    def require(self, name: str) -> None:
        """Check that there is an endpoint or a function of a name.

        Raises:
            OdysseyError: There is none.
        """
        names = list(dict.fromkeys(each.document()["name"] for each in self.targets()))
        if name not in names:
            there = ", ".join(names) or "nothing yet"
            raise OdysseyError(
                f"the sandbox has no endpoint or function {name}; there is: {there}",
                f"{self.again} shows them all",
            )

    def _target(self, told: Mapping[str, str]) -> CloudTarget:
        run = Run(told["kind"], told["region"], told["name"])
        with self._lock:
            if run not in self._known:
                log = CloudLog(lambda: self._tail(run), self.state)
                self._known[run] = CloudTarget(
                    run, self._record.url, self._clients, log, self._enter
                )
        self._known[run].status = told["status"]
        return self._known[run]

    def _tail(self, run: Run) -> logs.Tail:
        place = logs.Place(f"{GROUPS[run.kind]}/{run.name}")
        # That somebody has a page open is not to be seen among what was asked for.
        reader = self._clients.client("logs", run.region, keys=ITS_OWN)
        return logs.Tail(reader, place, since=datetime.now(UTC) - SHOWN)
