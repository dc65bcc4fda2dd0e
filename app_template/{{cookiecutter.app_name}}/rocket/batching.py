"""Micro-batches: records that wait in the same turn of the event loop share one call.

There is no timer: nothing waits for company. A request that is alone is answered by `predict`,
those that have arrived while the last call ran are answered by one `predict_batch`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from rocket.core import Core
from rocket.errors import BadInput, RequestError
from rocket.runner import Runner

log = logging.getLogger("rocket")

#: Records in one call, at most.
LIMIT = 256

_Waiting = tuple[Any, "asyncio.Future[Any]"]


class Batcher:
    """Gathers single records for one event loop.

    Args:
        core: Makes the predictions.
        runner: Decides where they run.
    """

    def __init__(self, core: Core, runner: Runner) -> None:
        self.core = core
        self.runner = runner
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def predict(self, record: Any) -> Any:
        """The answer to one record, made alone or in company."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, future))
        if self._task is None:
            # A task starts in the loop's next turn, after all that is ready in this one.
            self._task = asyncio.create_task(self._serve())
        return await future

    async def _serve(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LIMIT], self._waiting[LIMIT:]
                batch = [entry for entry in batch if not entry[1].done()]  # Gone clients.
                if batch:
                    await self._answer(batch)
        finally:
            self._task = None

    async def _answer(self, batch: list[_Waiting]) -> None:
        records = [record for record, _ in batch]
        kind = ("records", len(records).bit_length())
        try:
            outcomes = await self.runner.run(kind, lambda: self._predict(records))
        except Exception as error:  # Whatever it is, nobody may be left waiting.
            outcomes = [error] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    def _predict(self, records: list[Any]) -> list[Any]:
        """An answer, or the error, for each record; one bad record fails alone."""
        if len(records) > 1:
            try:
                return self.core.predict_all(records)
            except BadInput:
                pass  # Which of them it was shows when they are taken one by one.
            except RequestError as error:
                log.warning("%s; its %d records are tried one by one", error, len(records))
        return [self._predict_one(record) for record in records]

    def _predict_one(self, record: Any) -> Any:
        try:
            return self.core.predict(record)
        except RequestError as error:
            return error
