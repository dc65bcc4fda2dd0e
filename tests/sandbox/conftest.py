"""A sandbox in this process, whose machines are what a test says."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from odyssey.sandbox.machines import Executor, Machine, Task
from odyssey.sandbox.sandbox import Sandbox, Settings

Start = Callable[..., Sandbox]


class NoExecutor:
    """Runs nothing."""

    name = "none"

    def machine(self, task: Task) -> AbstractContextManager[Machine]:
        raise NotImplementedError

    def network(self) -> AbstractContextManager[str]:
        raise NotImplementedError


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a sandbox with settings and an executor; it is stopped at the end of the test."""
    from moto.core.base_backend import BackendDict

    with ExitStack() as stack:

        def start(executor: Executor | None = None, **settings: Any) -> Sandbox:
            wanted = Settings(**{"folder": tmp_path / "sandbox", **settings})
            wanted.folder.mkdir(exist_ok=True)
            sandbox = Sandbox(wanted, lambda _: executor or NoExecutor())
            stack.callback(sandbox.stop)
            sandbox.start()
            return sandbox

        BackendDict.reset()
        yield start


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that runs no jobs, for tests that leave it as they have found it."""
    sandbox = Sandbox(Settings(tmp_path_factory.mktemp("sandbox")), lambda _: NoExecutor())
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(start: Start) -> Sandbox:
    """A sandbox that runs no jobs."""
    return start()
