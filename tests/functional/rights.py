"""A note of every request that this process makes to AWS, and what each takes in rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import botocore.handlers
import pytest

from odyssey.sandbox.calls import Call
from odyssey.sandbox.iam import policies
from odyssey.sandbox.iam.actions import needed
from odyssey.sandbox.iam.identities import ROOT
from odyssey.sandbox.iam.policies import Asked, Held, Names

REGION = "eu-west-1"
ACCOUNT = "123456789012"

Params = Mapping[str, Any]


@dataclass
class Requests:
    """The requests that any client of boto3 makes while they are noted.

    `answers` has what AWS answers to an operation, in the place of moto: the first as long as
    there are more, and the last for ever.
    """

    noted: list[tuple[str, str, Params]] = field(default_factory=list)
    answers: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    _depth: int = 0

    @contextmanager
    def of_odyssey(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    @contextmanager
    def of_others(self) -> Iterator[None]:
        """Note nothing, for what a child program does."""
        depth, self._depth = self._depth, 0
        try:
            yield
        finally:
            self._depth = depth

    def note(self, params: Params, model: Any, **_: Any) -> None:
        if self._depth:
            self.noted.append((model.service_model.service_name, model.name, dict(params)))

    def answer(self, model: Any, **_: Any) -> tuple[Any, Mapping[str, Any]] | None:
        waiting = self.answers.get(model.name)
        if not waiting or not self._depth:
            return None
        told = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        status = 403 if "Error" in told else 200
        return SimpleNamespace(status_code=status), {"ResponseMetadata": {}, **told}

    def rights(self) -> list[Asked]:
        return [
            asked
            for service, operation, params in self.noted
            for asked in needed(Call(service, operation, REGION, params, ROOT))
        ]


def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    """Have every session of botocore from now on tell what it is asked for."""
    made = Requests()
    more = [("provide-client-params", made.note), ("before-call", made.answer)]
    handlers = [*botocore.handlers.BUILTIN_HANDLERS, *more]
    monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", handlers)
    return made


def allows(document: Mapping[str, Any], asked: Asked) -> bool:
    return policies.decide(asked, Names(ROOT.arn), Held((policies.policy(document),))).allowed


def actions(document: Mapping[str, Any]) -> set[str]:
    return {action for statement in document["Statement"] for action in listed(statement["Action"])}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
