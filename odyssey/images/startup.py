"""Waiting for a container's first pings, and what is wrong where they do not come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from odyssey.images import rules
from odyssey.images.rules import Rule, Verdict, bad, good, skipped
from odyssey.images.timeline import OK, OTHER, SLOW, Ping, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from odyssey.console import Progress
    from odyssey.images.probe import Probe

PORT = 8080
INTERVAL = 0.25
"""Seconds between two pings; SageMaker's own are further apart."""

STEADY = 10
"""Pings in a row that have to be 200."""

LOOPBACK = ("127.", "::1", "::ffff:127.")
UNREACHABLE = "nothing outside of the container reaches it"

LOOPBACK_SETTLED, OTHER_PORT_SETTLED = 3.0, 30.0
"""Seconds after which a server that listens at the wrong place is given up: it does not move."""


class Subject(Protocol):
    """A container that serves."""

    url: str

    def alive(self) -> bool:
        """Return whether it runs."""

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""

    def log(self, tail: int = 20) -> str:
        """Return the last lines that it printed."""

    def listening(self) -> list[tuple[str, int]] | None:
        """Return the addresses and ports that it listens on; None where that cannot be known."""

    def stop(self, grace: float = 30) -> tuple[int, float]:
        """Stop it by SIGTERM, then SIGKILL; return its exit code, and the seconds that took."""


@dataclass
class Startup:
    """What was seen while a container started.

    Args:
        timeline: Its pings.
        verdicts: What became of the rules that are about it.
    """

    timeline: Timeline = field(default_factory=Timeline)
    verdicts: dict[Rule, Verdict] = field(default_factory=dict)

    @property
    def serves(self) -> bool:
        """Whether it answered a ping with 200, and lives."""
        starts = self.verdicts.get(rules.STARTS)
        return self.timeline.ready is not None and starts is not None and starts.passed is True


@dataclass
class Wait:
    """Pings a container until it is steady, ends, or its time is over.

    Args:
        subject: The container.
        probe: Sends the pings.
        window: Seconds that it has.
        progress: Where to tell what goes on.
        clock: Seconds that only grow.
        sleep: Waits.
    """

    subject: Subject
    probe: Probe
    window: float
    progress: Progress
    clock: Callable[[], float]
    sleep: Callable[[float], object]

    def run(self) -> Startup:
        """Wait, and return what was seen."""
        self._start = self.clock()
        self._seen = Startup()
        self._misplaced: tuple[str, float] | None = None
        lost = ""
        while not lost:
            ping = self._ping()
            if not self.subject.alive():
                return self._ended()
            if ping.sign == OK:
                return self._answers()
            lost = self._lost(ping)
            self.sleep(INTERVAL)
        return self._silent(lost)

    def _ping(self) -> Ping:
        before = self._seen.timeline.pings[-1].sign if self._seen.timeline.pings else ""
        ping = Ping(self.clock() - self._start, self.probe.ping())
        self._seen.timeline.pings.append(ping)
        if ping.sign != before:
            self.progress.step(f"/ping {ping.answer.seen} after {ping.at:.1f} s")
        self.progress.tick()
        return ping

    def _lost(self, ping: Ping) -> str:
        """Return why there is no use in waiting; "" while there is."""
        if self.clock() - self._start >= self.window:
            return self._too_late()
        if ping.sign in (OTHER, SLOW):
            self._misplaced = None
            return ""
        where = misplaced(self.subject.listening())
        if not where:
            self._misplaced = None
            return ""
        if self._misplaced is None or self._misplaced[0] != where:
            self._misplaced = (where, self.clock())
        settled = LOOPBACK_SETTLED if where.endswith(UNREACHABLE) else OTHER_PORT_SETTLED
        return where if self.clock() - self._misplaced[1] >= settled else ""

    def _too_late(self) -> str:
        last = self._seen.timeline.pings[-1]
        where = misplaced(self.subject.listening()) if last.sign not in (OTHER, SLOW) else ""
        return where or f"ping {_lately(self._seen.timeline)}"

    def _ended(self) -> Startup:
        code = self.subject.exit_code()
        told = f"it ended with exit code {code} after {self._seen.timeline.seconds:.1f} s"
        if code in (126, 127):
            told += (
                ': there is no program "serve" that can be started, in its PATH or ENTRYPOINT, or '
                "its first line names one that is not there, as where lines end as on Windows"
            )
        self._seen.verdicts[rules.STARTS] = bad(told)
        return self._seen

    def _silent(self, lost: str) -> Startup:
        verdicts = self._seen.verdicts
        verdicts[rules.STARTS] = good()
        if lost.startswith("ping"):
            verdicts[rules.LISTENS] = _listens(self.subject, self._seen.timeline)
            verdicts[rules.PING] = bad(lost)
        else:
            verdicts[rules.LISTENS] = bad(lost)
            verdicts[rules.PING] = bad("nothing can answer, as it listens elsewhere")
        return self._seen

    def _answers(self) -> Startup:
        verdicts, first = self._seen.verdicts, self._seen.timeline.pings[-1]
        series = [first]
        while len(series) < STEADY and series[-1].sign == OK:
            self.sleep(INTERVAL)
            series.append(self._ping())
        if not self.subject.alive():
            return self._ended()
        verdicts[rules.STARTS] = good()
        verdicts[rules.LISTENS] = good()
        verdicts[rules.PING] = good(f"after {first.at:.1f} s of {self.window:g} s")
        verdicts[rules.QUICK] = quick(series)
        last = series[-1]
        verdicts[rules.STEADY] = (
            good(f"{STEADY} in a row")
            if last.sign == OK
            else bad(f"/ping {last.answer.seen}, {last.at - first.at:.1f} s after its first 200")
        )
        return self._seen


def misplaced(addresses: list[tuple[str, int]] | None) -> str:
    """Return where a server listens in place of port 8080 of every address; "" where it does that.

    Args:
        addresses: The addresses and ports that it listens on; none, or None, says nothing.
    """
    if not addresses:
        return ""
    hosts = [host for host, port in addresses if port == PORT]
    if any(not host.startswith(LOOPBACK) for host in hosts):
        return ""
    if hosts:
        return f"listens on {hosts[0]} only: {UNREACHABLE}"
    ports = ", ".join(str(port) for port in sorted({port for _, port in addresses}))
    return f"listens on {ports}, not on {PORT}"


def quick(pings: list[Ping]) -> Verdict:
    """Return whether pings were answered as fast as SageMaker wants it."""
    slowest = max(ping.answer.seconds for ping in pings)
    connecting = max(ping.answer.connecting for ping in pings)
    if slowest > rules.EACH_PING or any(ping.sign == SLOW for ping in pings):
        return bad(f"a ping took {slowest:.1f} s, and SageMaker waits {rules.EACH_PING:g} s")
    if connecting > rules.EACH_CONNECTION:
        limit = rules.EACH_CONNECTION * 1000
        return bad(f"a connection took {connecting * 1000:.0f} ms, and {limit:.0f} ms is the limit")
    return good(f"{slowest * 1000:.0f} ms at most")


def _listens(subject: Subject, timeline: Timeline) -> Verdict:
    if any(ping.sign in (OTHER, SLOW) for ping in timeline.pings):
        return good()
    addresses = subject.listening()
    if addresses is None:
        return skipped("where it listens is not known: the image has no `cat` to tell")
    if not addresses:
        return bad(f"listens on no port after {timeline.seconds:.0f} s")
    return good()


def _lately(timeline: Timeline) -> str:
    """Return what the last pings had in common, and for how long: ``answered 503 for 240 s``."""
    last = timeline.pings[-1]
    since = last.at
    for ping in reversed(timeline.pings):
        if ping.answer.seen != last.answer.seen:
            break
        since = ping.at
    return f"{last.answer.seen} for {last.at - since:.0f} s"
