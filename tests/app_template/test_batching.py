"""Micro-batches: who shares a call with whom, and who is blamed for what."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from rocket.batching import LIMIT, Batcher
from rocket.errors import BadInput, RequestError
from rocket.runner import Runner
from tests.app_template.fakes import make_core

WAIT = 20


class Flowers:
    """A model whose calls are written down; records say what becomes of them."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def one(self, record: Any) -> Any:
        if record == "bad":
            raise BadInput("no such flower")
        if record == "broken":
            raise KeyError("petal")
        return f"answer to {record}"

    def predict(self, record: Any) -> Any:
        self.calls.append([record])
        self.entered.set()
        assert self.gate.wait(WAIT)
        return self.one(record)

    def predict_batch(self, records: list[Any]) -> list[Any]:
        self.calls.append(list(records))
        return [self.one(record) for record in records]


@pytest.fixture
def flowers() -> Flowers:
    return Flowers()


def make_batcher(flowers: Any, predict_batch: Any = None, timeout: float = 60) -> Batcher:
    core = make_core(flowers.predict, predict_batch or flowers.predict_batch)
    return Batcher(core, Runner(4, timeout, worn_out=lambda: None))


async def ask(batcher: Batcher, records: list[Any]) -> list[Any]:
    """The answers, or the errors, to records that arrive in the same turn."""
    asked = (batcher.predict(record) for record in records)
    return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), WAIT)


def told(outcomes: list[Any]) -> list[Any]:
    return [
        (outcome.status, outcome.message) if isinstance(outcome, RequestError) else outcome
        for outcome in outcomes
    ]


def test_a_record_that_is_alone_is_answered_by_predict(flowers: Flowers) -> None:
    def predict_batch(_: list[Any]) -> None:
        pytest.fail("a batch of one")

    batcher = make_batcher(flowers, predict_batch)
    assert asyncio.run(ask(batcher, ["a"])) == ["answer to a"]
    assert flowers.calls == [["a"]]


def test_records_of_the_same_turn_share_a_call_and_each_gets_its_own_answer(
    flowers: Flowers,
) -> None:
    records = list(range(100))
    outcomes = asyncio.run(ask(make_batcher(flowers), records))
    assert outcomes == [f"answer to {record}" for record in records]
    assert flowers.calls == [records]


def test_a_call_has_at_most_the_limit_of_records(flowers: Flowers) -> None:
    records = list(range(2 * LIMIT + 10))
    outcomes = asyncio.run(ask(make_batcher(flowers), records))
    assert outcomes == [f"answer to {record}" for record in records]
    assert [len(call) for call in flowers.calls] == [LIMIT, LIMIT, 10]
    assert sum(flowers.calls, []) == records


def test_records_that_arrive_during_a_call_share_the_next(flowers: Flowers) -> None:
    async def main() -> list[Any]:
        batcher = make_batcher(flowers)
        flowers.gate.clear()
        first = asyncio.create_task(ask(batcher, ["first"]))
        while not flowers.entered.is_set():
            await asyncio.sleep(0.001)
        others = asyncio.create_task(ask(batcher, ["a", "b"]))
        await asyncio.sleep(0)
        last = asyncio.create_task(ask(batcher, ["c"]))
        await asyncio.sleep(0)
        flowers.gate.set()
        return [*await first, *await others, *await last]

    assert asyncio.run(main()) == [f"answer to {name}" for name in ("first", "a", "b", "c")]
    assert flowers.calls == [["first"], ["a", "b", "c"]]


def test_the_records_of_clients_that_left_are_not_predicted(flowers: Flowers) -> None:
    async def main() -> list[Any]:
        batcher = make_batcher(flowers)
        asked = [asyncio.create_task(batcher.predict(record)) for record in "abcd"]
        await asyncio.sleep(0)
        for gone in (asked[0], asked[2]):
            gone.cancel()
        return await asyncio.gather(*asked, return_exceptions=True)

    outcomes = asyncio.run(main())
    assert [type(outcome) for outcome in outcomes[::2]] == [asyncio.CancelledError] * 2
    assert outcomes[1::2] == ["answer to b", "answer to d"]
    assert flowers.calls == [["b", "d"]]


def test_nothing_is_called_when_all_have_left(flowers: Flowers) -> None:
    async def main() -> None:
        batcher = make_batcher(flowers)
        asked = [asyncio.create_task(batcher.predict(record)) for record in "ab"]
        await asyncio.sleep(0)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        assert await ask(batcher, ["c"]) == ["answer to c"]

    asyncio.run(main())
    assert flowers.calls == [["c"]]


def test_a_client_that_leaves_during_the_call_harms_no_one(flowers: Flowers) -> None:
    async def main() -> None:
        batcher = make_batcher(flowers)
        flowers.gate.clear()
        gone = asyncio.create_task(batcher.predict("a"))
        while not flowers.entered.is_set():
            await asyncio.sleep(0.001)
        gone.cancel()
        flowers.gate.set()
        assert await ask(batcher, ["b"]) == ["answer to b"]

    asyncio.run(main())


def test_a_bad_record_fails_alone_and_leaves_no_trace(
    flowers: Flowers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "rocket")
    outcomes = asyncio.run(ask(make_batcher(flowers), ["a", "bad", "b"]))
    assert told(outcomes) == ["answer to a", (400, "no such flower"), "answer to b"]
    assert caplog.records == []


def test_a_record_that_breaks_predict_fails_alone_and_is_logged(
    flowers: Flowers, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes = told(asyncio.run(ask(make_batcher(flowers), ["a", "broken", "b"])))
    assert outcomes[::2] == ["answer to a", "answer to b"]
    assert outcomes[1][0] == 500
    assert "KeyError" in outcomes[1][1]
    assert "3 records are tried one by one" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    "returned",
    [[], ["x"], ["x"] * 4, None, "abc", {"a": 1, "b": 2, "c": 3}],
    ids=["none", "too-few", "too-many", "nothing", "a-string", "a-dictionary"],
)
def test_a_batch_of_another_length_is_predicted_one_by_one(
    flowers: Flowers, returned: Any, caplog: pytest.LogCaptureFixture
) -> None:
    batcher = make_batcher(flowers, lambda _: returned)
    assert asyncio.run(ask(batcher, list("abc"))) == [f"answer to {name}" for name in "abc"]
    assert flowers.calls == [["a"], ["b"], ["c"]]
    assert "predict_batch returned" in caplog.text


def test_a_call_without_end_is_504_for_all_who_share_it(flowers: Flowers) -> None:
    gate = threading.Event()

    async def main() -> None:
        batcher = make_batcher(flowers, lambda _: gate.wait(WAIT), timeout=0.3)
        outcomes = told(await ask(batcher, ["a", "b"]))
        assert outcomes == [(504, "no answer within 0.3 s")] * 2
        gate.set()
        # Those who come later are served.
        assert await ask(batcher, ["c"]) == ["answer to c"]

    asyncio.run(main())


def test_nobody_is_left_waiting_whatever_goes_wrong() -> None:
    class Ruin:
        """A core that fails in a way no core should."""

        def predict_all(self, _: list[Any]) -> list[Any]:
            raise MemoryError("none left")

        predict = predict_all

    async def main() -> None:
        batcher = Batcher(Ruin(), Runner(4, 60, worn_out=lambda: None))  # type: ignore[arg-type]
        for records in (["a"], ["a", "b", "c"]):
            outcomes = await ask(batcher, records)
            assert [type(outcome) for outcome in outcomes] == [MemoryError] * len(records)

    asyncio.run(main())
