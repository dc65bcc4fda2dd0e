"""What `docker run IMAGE train` does: runs the user's train() and reports how it ended.

A small parent process stays in front of the user's code. It passes signals on, and it is still
there to write `output/failure` when the code dies without a word, as it does out of memory.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rocket.processes import die_with_parent
from rocket.settings import APP, Layout

log = logging.getLogger("rocket")

#: Where the machines of a job meet; PyTorch's own default.
MASTER_PORT = 29500
STOPS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Cluster:
    """The machines of a training job, for a `train` that asks for `cluster`.

    Attributes:
        hosts: The names of all machines, sorted; each can be reached under its name.
        current_host: This machine's name.
        network_interface: The interface that connects them.
        master: `ADDRESS:PORT` where the first machine is met, if not under its name.
    """

    hosts: tuple[str, ...] = ("algo-1",)
    current_host: str = "algo-1"
    network_interface: str = "eth0"
    master: str = ""

    @property
    def rank(self) -> int:
        """This machine's place among `hosts`, from 0."""
        return self.hosts.index(self.current_host)

    @property
    def master_addr(self) -> str:
        """The address of the machine of rank 0: PyTorch's `MASTER_ADDR`."""
        alone = "127.0.0.1" if len(self.hosts) == 1 else self.hosts[0]
        return self.master.partition(":")[0] or alone

    @property
    def master_port(self) -> int:
        """A port of that machine's that is free for all to meet at: PyTorch's `MASTER_PORT`."""
        return int(self.master.partition(":")[2] or MASTER_PORT)

    @classmethod
    def read(cls, path: Path) -> Cluster:
        """The cluster of a `resourceconfig.json`; one machine where there is none."""
        if not path.exists():
            return cls()
        resources = json.loads(path.read_text(encoding="utf-8"))
        host = resources.get("current_host", "algo-1")
        return cls(
            hosts=tuple(sorted(resources.get("hosts", [host]))),
            current_host=host,
            network_interface=resources.get("network_interface_name", "eth0"),
            # Where all machines are processes of one, their names lead nowhere.
            master=os.environ.get("ROCKET_MASTER", ""),
        )


def main() -> int:
    """Trains in a child process and returns the exit code: 0 done, 1 failed, 128 + n signal n."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    log.setLevel(logging.INFO)
    layout = Layout.from_environment()
    layout.failure.unlink(missing_ok=True)
    # A stop that comes before somebody can pass it on waits until then.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        return _run(layout, parent)
    return _watch(child, layout)


def _watch(child: int, layout: Layout) -> int:
    """Passes signals on to the child until it ends."""

    def pass_on(number: int, _: FrameType | None) -> None:
        os.kill(child, number)

    for number in STOPS:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # What the user's code started and left behind.
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    if -code not in (signal.SIGTERM, signal.SIGINT):
        name = signal.Signals(-code).name
        hint = ": out of memory?" if -code == signal.SIGKILL else ""
        write_failure(layout, f"train was killed by {name}{hint}")
    return 128 - code


def _run(layout: Layout, parent: int) -> int:
    """The child: calls the user's code and returns the exit code, what became of it."""
    code = 1
    try:
        _detach(parent)
        start = time.perf_counter()
        layout.model.mkdir(parents=True, exist_ok=True)
        train = _import_train()
        paths, named = arguments(train, layout)
        train(*paths, **named)
        log.info("train() took %.1f s", time.perf_counter() - start)
        is_first = Cluster.read(layout.config / "resourceconfig.json").rank == 0
        if is_first and not any(path.is_file() for path in layout.model.rglob("*")):
            log.warning("train() wrote no file below its model_path: the model is empty")
        code = 0
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if code not in (0, 128 + signal.SIGTERM):
            write_failure(layout, f"train() called sys.exit({end.code!r})")
        code = code & 0xFF or int(code != 0)  # The system keeps eight bits, and 256 is no 0.
    except BaseException as error:
        traceback.print_exc()
        reason = "".join(traceback.format_exception_only(error)).strip()
        write_failure(layout, f"{reason}\n\n{traceback.format_exc()}")
    # Python then ends as ever: threads that still save are waited for, atexit's functions called.
    return code


def _detach(parent: int) -> None:
    """Leaves the terminal's process group, so that each signal arrives once: from the parent."""
    os.setsid()
    signal.signal(signal.SIGTERM, _stop)
    # Whoever started this in the background had it ignore interrupts, but the parent passes on
    # only those that are meant.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    die_with_parent(parent)


def _stop(number: int, _: FrameType | None) -> None:
    """Ends the user's code as an exception would: `finally` and `with` still save what they can."""
    sys.exit(128 + number)


def _import_train() -> Callable[..., Any]:
    if str(APP) not in sys.path:
        sys.path.insert(0, str(APP))
    train = getattr(importlib.import_module("train"), "train", None)
    if not callable(train):
        raise TypeError("train.py must define train(input_path, model_path, param_path=None)")
    return train  # type: ignore[no-any-return]


def arguments(train: Callable[..., Any], layout: Layout) -> tuple[list[Any], dict[str, Any]]:
    """What the user's `train` is called with: two or three paths, and what it asks for by name.

    Returns:
        Positional arguments (input_path, model_path and, if there is a third, param_path, with
        `hyperparameters`, `channels`, `cluster` where they stand among them) and keyword
        arguments (those of the three that are named further on).

    Raises:
        TypeError: `train` does not take the first two.
    """
    channels = read_channels(layout)
    parameters = layout.config / "hyperparameters.json"
    offered = {
        "hyperparameters": read_hyperparameters(parameters),
        "channels": channels,
        "cluster": Cluster.read(layout.config / "resourceconfig.json"),
    }
    paths = [
        input_path(channels, layout),
        str(layout.model),
        str(parameters) if parameters.exists() else None,
    ]
    declared = inspect.signature(train).parameters.values()
    kinds = {parameter.kind for parameter in declared}
    names = {parameter.name for parameter in declared}
    given: list[Any] = []
    for parameter in declared:
        if parameter.kind > inspect.Parameter.POSITIONAL_OR_KEYWORD:
            break
        if parameter.name in offered:  # In its place: a path may come after it.
            given.append(offered.pop(parameter.name))
        elif paths:
            given.append(paths.pop(0))
        else:
            break
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        given, paths = given + paths, []
    if len(paths) > 1:
        raise TypeError("train.py: train must take (input_path, model_path, param_path=None)")
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return given, offered
    return given, {name: value for name, value in offered.items() if name in names}


def read_channels(layout: Layout) -> dict[str, str]:
    """The channels of training data, name to folder, by name."""
    config = layout.config / "inputdataconfig.json"
    names = set(json.loads(config.read_text(encoding="utf-8"))) if config.exists() else set()
    if layout.channels.is_dir():
        names |= {path.name for path in layout.channels.iterdir() if path.is_dir()}
    return {name: str(layout.channels / name) for name in sorted(names)}


def input_path(channels: Mapping[str, str], layout: Layout) -> str:
    """The folder of the channel `training`, else of the only one, else the one above them all."""
    only = next(iter(channels.values())) if len(channels) == 1 else str(layout.channels)
    return channels.get("training", only)


def read_hyperparameters(path: Path) -> dict[str, Any]:
    """The hyperparameters with their types back: SageMaker makes a string of every value.

    A value that is JSON is decoded ("0.5", "true", "[1, 2]"), any other stays a string.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} must be a JSON object, name to value")
    return {key: _typed(value) for key, value in found.items()}


def _typed(value: Any) -> Any:
    try:
        return json.loads(value, parse_constant=_refuse)
    except (ValueError, TypeError):
        return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity are words in a hyperparameter, not numbers.


def write_failure(layout: Layout, reason: str) -> None:
    """Writes `output/failure`, whose first 1,024 characters become the job's FailureReason."""
    layout.failure.parent.mkdir(parents=True, exist_ok=True)
    beside = layout.failure.with_name("failure.part")
    beside.write_text(reason, encoding="utf-8", errors="replace")
    beside.replace(layout.failure)
