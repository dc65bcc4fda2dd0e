"""Requests that work, that no app can use, that are too large, and many at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from odyssey.images import rules
from odyssey.images.rules import Rule, Verdict, bad, good, skipped, warned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odyssey.images.probe import Answer, Probe
    from odyssey.images.samples import Sample

JSON, CSV = "application/json", "text/csv"

AT_ONCE = 4
"""Predictions that run at once."""

UNUSABLE: tuple[tuple[Rule, bytes, str, bool], ...] = (
    (rules.WRONG_JSON, b'{"odyssey-contract-test": [null, "x"]}', JSON, False),
    (rules.WRONG_CSV, b"odyssey,contract,test\n", CSV, False),
    (rules.BROKEN_JSON, b'{"odyssey-contract-test": ', JSON, True),
    (rules.EMPTY, b"", JSON, True),
    (rules.UNKNOWN_TYPE, b"odyssey", "application/x-odyssey-contract-test", True),
)
"""Rules about requests that no app can use: body, type, and whether only 4xx will do."""


def samples_answered(answers: Sequence[tuple[Sample, Answer]]) -> Verdict:
    """Return whether every sample was answered with 2xx."""
    for sample, answer in answers:
        if not is_good(answer):
            return bad(f"{sample.name}: {answer.seen}{_excerpt(answer)}")
    slowest = max(answer.seconds for _, answer in answers)
    return good(f"{len(answers)}, in {slowest * 1000:.0f} ms at most")


def samples_repeated(
    answers: Sequence[tuple[Sample, Answer]], again: Sequence[tuple[Sample, Answer]]
) -> Verdict:
    """Return whether every sample was answered in the same way twice."""
    for (sample, first), (_, second) in zip(answers, again, strict=True):
        if second.body != first.body or second.status != first.status:
            # AWS does not mind, and some models draw lots.
            return warned(f"{sample.name}: another answer to the same request")
    return good()


def unusable(probe: Probe, body: bytes, kind: str, only_4xx: bool, timeout: float) -> Verdict:
    """Return whether a request that no app can use is answered as one.

    Args:
        probe: Sends it.
        body: What is sent.
        kind: Its type.
        only_4xx: Whether an answer that takes it for a request is worth a warning.
        timeout: Seconds to wait.
    """
    answer = probe.predict(body, kind, timeout)
    if answer.status is None or answer.status >= 500:
        return bad(f"{answer.seen}{_excerpt(answer)}")
    if only_4xx and answer.status < 400:
        return warned(f"{answer.seen}, as if it were a request")
    return good(answer.seen)


def at_the_limit(probe: Probe, count: int, timeout: float) -> Verdict:
    """Return whether a body of so many bytes is taken, be it understood or not."""
    answer = probe.predict(padded(count), JSON, timeout)
    if answer.status == 413:
        return bad(f"answered 413 to {count:,} bytes: raise the limit of the server, or of nginx")
    if answer.status is None:
        return bad(f"{answer.seen}, to {count:,} bytes")
    return good(f"{answer.seen} to {count:,} bytes")


def over_the_limit(probe: Probe, own: int, timeout: float) -> Verdict:
    """Return whether a body over the server's own limit of so many bytes is refused in peace."""
    answer = probe.predict(padded(own + 1), JSON, timeout)
    seen = f"{answer.seen} to {own + 1:,} bytes"
    ping = probe.ping()
    if ping.status != 200:
        return bad(f"{seen}, and then /ping {ping.seen}")
    if answer.timed_out or (answer.status is not None and answer.status >= 500):
        return bad(seen)
    if answer.status is not None and answer.status != 413:
        return warned(f"{seen}: it has no limit there")
    return good(seen)


def pings_while_busy(
    probe: Probe, samples: Sequence[Sample], seconds: float, timeout: float
) -> Verdict:
    """Return whether pings are answered in time while predictions run, for so many seconds."""
    if not samples:
        return skipped(rules.NO_SAMPLES)
    pings: list[Answer] = []
    with Load(probe, samples, timeout):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pings.append(probe.ping())
            time.sleep(0.05)
    for ping in pings:
        if ping.status != 200:
            return bad(f"/ping {ping.seen} while {AT_ONCE} predictions ran")
    slowest = max(ping.seconds for ping in pings)
    if slowest > rules.EACH_PING:
        return bad(f"a ping took {slowest:.1f} s while {AT_ONCE} predictions ran")
    return good(f"{slowest * 1000:.0f} ms at most while {AT_ONCE} predictions ran")


class Load:
    """Predictions that run all the time, for the length of a ``with`` block.

    Args:
        probe: Sends them.
        samples: What is sent; none sends nothing.
        timeout: Seconds to wait for each.
    """

    def __init__(self, probe: Probe, samples: Sequence[Sample], timeout: float) -> None:
        """Nothing is sent yet."""
        self.sent: list[tuple[float, Answer]] = []
        """When each request began, and what came of it."""
        self._probe, self._samples, self._timeout = probe, samples, timeout
        self._over = False
        self._pool = ThreadPoolExecutor(AT_ONCE)

    def __enter__(self) -> Self:
        """Begin."""
        for number in range(AT_ONCE if self._samples else 0):
            self._pool.submit(self._send, number)
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the last answers."""
        self._over = True
        self._pool.shutdown()

    def lost(self, before: float) -> int:
        """Return how many that began before a time of `time.perf_counter` have no answer."""
        return sum(began < before and answer.status is None for began, answer in self.sent)

    def _send(self, number: int) -> None:
        while not self._over:
            sample = self._samples[number % len(self._samples)]
            began = time.perf_counter()
            answer = self._probe.predict(sample.body, sample.content_type, self._timeout)
            self.sent.append((began, answer))
            number += 1
            if answer.status is None:
                # A server that is gone needs no more requests.
                time.sleep(0.1)


def padded(count: int) -> bytes:
    """Return JSON of so many bytes."""
    start, end = b'{"odyssey-contract-test": "', b'"}'
    return start + b"x" * (count - len(start) - len(end)) + end


def is_good(answer: Answer) -> bool:
    """Return whether an answer is 2xx."""
    return answer.status is not None and 200 <= answer.status < 300


def _excerpt(answer: Answer) -> str:
    lines = answer.body[:200].decode("utf-8", "replace").strip().splitlines()
    return f": {lines[0]}" if lines else ""
