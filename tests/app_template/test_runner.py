"""Where predictions run. The clock is a fake: no test depends on how fast the machine is."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rocket.errors import RequestError
from rocket.runner import PROBATION, SHORT, Runner

WAIT = 20  # Seconds after which a test gives up on something that should happen at once.


class Clock:
    """Stands in for time.perf_counter; calls take as long as they say."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


def never() -> None:
    pytest.fail("the worker is not worn out")


def make_runner(threads: int = 4, timeout: float = 60, worn_out=never) -> Runner:
    return Runner(threads, timeout, worn_out)


def taking(clock: Clock, seconds: float) -> Callable[[], str]:
    """A call that takes a while, and says where it ran."""

    def call() -> str:
        clock.now += seconds
        return "loop" if threading.current_thread() is threading.main_thread() else "thread"

    return call


class Hanging:
    """A call that does not end before it is let go."""

    def __init__(self, log: list[str] | None = None) -> None:
        self.log = [] if log is None else log
        self.started = threading.Event()
        self.gate = threading.Event()

    def __call__(self) -> str:
        self.log.append("long starts")
        self.started.set()
        self.gate.wait(WAIT)
        self.log.append("long ends")
        return "done"


async def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def run(main: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(main(), WAIT))


async def several(runner: Runner, kind: str, call: Callable[[], Any], count: int) -> list[Any]:
    return [await runner.run(kind, call) for _ in range(count)]


class TestEarningTheLoop:
    def test_short_calls_move_to_the_loop(self, clock: Clock) -> None:
        async def main() -> None:
            places = await several(make_runner(), "a", taking(clock, SHORT / 2), PROBATION + 3)
            assert places == ["thread"] * PROBATION + ["loop"] * 3

        run(main)

    def test_long_calls_stay_in_threads(self, clock: Clock) -> None:
        async def main() -> None:
            places = await several(make_runner(), "a", taking(clock, SHORT * 2), 20)
            assert set(places) == {"thread"}

        run(main)

    def test_each_kind_earns_it_by_itself(self, clock: Clock) -> None:
        async def main() -> None:
            runner, short = make_runner(), taking(clock, 0)
            await several(runner, "a", short, PROBATION)
            assert await runner.run("b", short) == "thread"
            assert await runner.run("a", short) == "loop"

        run(main)

    def test_a_long_call_starts_the_count_again(self, clock: Clock) -> None:
        async def main() -> None:
            runner, short = make_runner(), taking(clock, 0)
            await several(runner, "a", short, PROBATION - 1)
            assert await runner.run("a", taking(clock, SHORT * 2)) == "thread"
            assert await several(runner, "a", short, PROBATION) == ["thread"] * PROBATION
            assert await runner.run("a", short) == "loop"

        run(main)

    def test_each_relapse_makes_it_four_times_as_hard(self, clock: Clock) -> None:
        async def main() -> None:
            runner, short, long = make_runner(), taking(clock, 0), taking(clock, SHORT * 2)
            for needed in (PROBATION, PROBATION * 4, PROBATION * 16):
                assert await several(runner, "a", short, needed) == ["thread"] * needed
                assert await runner.run("a", long) == "loop"  # The relapse.
                assert await runner.run("a", long) == "thread"  # In a thread it costs nothing.

        run(main)

    def test_quick_failures_prove_nothing(self, clock: Clock) -> None:
        def fail() -> None:
            raise ValueError(threading.current_thread().name)

        async def main() -> None:
            runner = make_runner()
            for _ in range(PROBATION * 3):
                with pytest.raises(ValueError, match="predict"):
                    await runner.run("a", fail)
            assert await runner.run("a", taking(clock, 0)) == "thread"

        run(main)

    def test_a_slow_failure_is_a_relapse(self, clock: Clock) -> None:
        def fail() -> None:
            clock.now += SHORT * 2
            raise ValueError("slow")

        async def main() -> None:
            runner, short = make_runner(), taking(clock, 0)
            await several(runner, "a", short, PROBATION)
            with pytest.raises(ValueError, match="slow"):
                await runner.run("a", fail)
            assert await several(runner, "a", short, PROBATION * 4) == ["thread"] * PROBATION * 4
            assert await runner.run("a", short) == "loop"

        run(main)


class TestThreads:
    @pytest.mark.parametrize("raised", [ValueError("x"), RequestError(400, "x"), SystemExit(3)])
    @pytest.mark.parametrize("place", ["thread", "loop"])
    def test_what_a_call_raises_passes(
        self, clock: Clock, raised: BaseException, place: str
    ) -> None:
        def fail() -> None:
            raise raised

        async def main() -> None:
            runner = make_runner()
            if place == "loop":
                await several(runner, "a", taking(clock, 0), PROBATION)
            with pytest.raises(type(raised)) as caught:
                await runner.run("a", fail)
            assert caught.value is raised

        run(main)

    def test_as_many_calls_run_at_once_as_there_are_threads(self) -> None:
        together = threading.Barrier(3)
        lock, now, most = threading.Lock(), 0, 0

        def call() -> None:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            together.wait(WAIT)
            with lock:
                now -= 1

        async def main() -> None:
            runner = make_runner(threads=3)
            await asyncio.gather(*(runner.run("a", call) for _ in range(9)))

        run(main)  # Fewer at once would never pass the barrier.
        assert most == 3

    def test_the_loop_goes_on_while_calls_run(self, clock: Clock) -> None:
        async def main() -> None:
            runner, long = make_runner(), Hanging()
            await several(runner, "short", taking(clock, 0), PROBATION)
            waiting = asyncio.create_task(runner.run("long", long))
            await until(long.started.is_set)
            assert await runner.run("short", taking(clock, 0)) == "loop"
            assert not waiting.done()
            long.gate.set()
            assert await waiting == "done"

        run(main)

    def test_a_call_whose_client_left_holds_up_nobody(self) -> None:
        async def main() -> None:
            # given: a call that runs on although nobody waits for it
            runner, long = make_runner(threads=2), Hanging()
            gone = asyncio.create_task(runner.run("a", long))
            await until(long.started.is_set)
            gone.cancel()
            await asyncio.wait([gone])
            # when, then: there is a thread for the next one
            assert await runner.run("b", lambda: 5) == 5
            assert long.log == ["long starts"]
            long.gate.set()

        run(main)

    def test_calls_that_nobody_waits_for_any_more_are_not_run(self) -> None:
        ran = []

        async def main() -> None:
            runner, long = make_runner(threads=1), Hanging()
            first = asyncio.create_task(runner.run("a", long))
            await until(long.started.is_set)
            left = asyncio.create_task(runner.run("b", lambda: ran.append("left")))
            await turns()
            left.cancel()
            await turns()
            long.gate.set()
            await first
            await runner.run("b", lambda: ran.append("stayed"))

        run(main)
        assert ran == ["stayed"]

    def test_a_thread_ends_in_silence_when_the_loop_is_closed(self) -> None:
        before, long = set(threading.enumerate()), Hanging()

        async def main() -> None:
            waiting = asyncio.create_task(make_runner().run("a", long))
            await until(long.started.is_set)
            waiting.cancel()

        run(main)
        (thread,) = [
            thread
            for thread in set(threading.enumerate()) - before
            if thread.name.startswith("predict")
        ]
        long.gate.set()
        thread.join(WAIT)
        assert not thread.is_alive()


class TestOneThread:
    """For a predict that is not safe to call twice at once: nothing ever runs beside a call."""

    def test_calls_that_earned_the_loop_wait_for_one_in_the_thread(self, clock: Clock) -> None:
        log: list[str] = []

        async def main() -> None:
            runner, long = make_runner(threads=1), Hanging(log)
            await several(runner, "short", taking(clock, 0), PROBATION)
            first = asyncio.create_task(runner.run("long", long))
            await until(long.started.is_set)
            second = asyncio.create_task(runner.run("short", lambda: log.append("short")))
            await turns()
            long.gate.set()
            await asyncio.gather(first, second)
            assert await runner.run("short", taking(clock, 0)) == "loop"

        run(main)
        assert log == ["long starts", "long ends", "short"]

    def test_even_if_the_client_of_that_one_left(self, clock: Clock) -> None:
        log: list[str] = []

        async def main() -> None:
            runner, long = make_runner(threads=1), Hanging(log)
            await several(runner, "short", taking(clock, 0), PROBATION)
            gone = asyncio.create_task(runner.run("long", long))
            await until(long.started.is_set)
            gone.cancel()
            await asyncio.wait([gone])
            second = asyncio.create_task(runner.run("short", lambda: log.append("short")))
            await turns()
            long.gate.set()
            await second

        run(main)
        assert log == ["long starts", "long ends", "short"]

    def test_calls_run_in_the_order_they_came(self) -> None:
        ran: list[int] = []

        async def main() -> None:
            runner = make_runner(threads=1)
            calls = [runner.run(number, lambda n=number: ran.append(n)) for number in range(20)]
            await asyncio.gather(*calls)

        run(main)
        assert ran == list(range(20))


class TestTimeout:
    def test_a_call_that_hangs_is_504_and_the_log_says_where(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def main() -> None:
            runner, long = make_runner(threads=2, timeout=0.3), Hanging()
            with pytest.raises(RequestError, match=r"no answer within 0\.3 s") as caught:
                await runner.run("a", long)
            assert caught.value.status == 504
            assert "self.gate.wait(WAIT)" in caplog.text
            # The next call has another thread.
            assert await runner.run("a", lambda: 5) == 5
            long.gate.set()

        run(main)

    def test_a_call_that_never_got_a_thread_is_504_too_and_never_run(self) -> None:
        ran: list[str] = []
        worn: list[str] = []

        async def main() -> None:
            runner = make_runner(threads=1, timeout=0.3, worn_out=lambda: worn.append("out"))
            long = Hanging()
            hung = asyncio.create_task(runner.run("a", long))
            await until(long.started.is_set)
            late = asyncio.create_task(runner.run("b", lambda: ran.append("late")))
            results = await asyncio.gather(hung, late, return_exceptions=True)
            assert [result.status for result in results] == [504, 504]
            long.gate.set()
            await runner.run("c", lambda: ran.append("next"))

        run(main)
        assert ran == ["next"]
        assert worn == ["out"]

    def test_the_worker_is_worn_out_once_every_thread_hangs(self) -> None:
        worn: list[str] = []

        async def main() -> None:
            runner = make_runner(threads=2, timeout=0.3, worn_out=lambda: worn.append("out"))
            calls = [Hanging(), Hanging()]
            for number, call in enumerate(calls):
                assert len(worn) == 0
                with pytest.raises(RequestError):
                    await runner.run("a", call)
                assert len(worn) == number
            for call in calls:
                call.gate.set()

        run(main)

    def test_a_thread_that_comes_back_counts_again(self) -> None:
        async def main() -> None:
            runner = make_runner(threads=2, timeout=0.3)  # Which must never be worn out.
            for _ in range(3):
                long = Hanging()
                with pytest.raises(RequestError):
                    await runner.run("a", long)
                long.gate.set()
                await until(lambda: runner._lost == 0)

        run(main)

    def test_after_one_came_back_a_single_thread_still_keeps_the_loop_free(
        self, clock: Clock
    ) -> None:
        async def main() -> None:
            worn: list[str] = []
            runner = make_runner(threads=1, timeout=0.3, worn_out=lambda: worn.append("out"))
            long = Hanging()
            with pytest.raises(RequestError):
                await runner.run("a", long)
            long.gate.set()
            await until(lambda: runner._lost == 0)
            places = await several(runner, "b", taking(clock, 0), PROBATION + 1)
            assert places == ["thread"] * PROBATION + ["loop"]

        run(main)
