"""Where the files lie and what the environment says, read once.

SageMaker mounts everything below `/opt/ml`; elsewhere `ROCKET_ML_ROOT` names a folder that is
laid out the same way (`odyssey local train` and `odyssey local serve` set it).
"""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: The folder that holds train.py, serve.py and this package.
APP = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Layout:
    """The folders and files of SageMaker's container contract, below one root."""

    root: Path

    @classmethod
    def from_environment(cls) -> Layout:
        """The layout below `ROCKET_ML_ROOT`, by default below `/opt/ml`."""
        return cls(Path(os.environ.get("ROCKET_ML_ROOT") or "/opt/ml"))

    @property
    def channels(self) -> Path:
        """One folder for each channel of training data."""
        return self.root / "input" / "data"

    @property
    def config(self) -> Path:
        """hyperparameters.json, inputdataconfig.json and resourceconfig.json."""
        return self.root / "input" / "config"

    @property
    def model(self) -> Path:
        """What training wrote and serving reads."""
        return self.root / "model"

    @property
    def failure(self) -> Path:
        """Where a failed training says why."""
        return self.root / "output" / "failure"


@dataclass(frozen=True)
class Settings:
    """The server's settings; every one has a variable and a default.

    Attributes:
        door: `fast` (ASGI) or `flask`; `MODEL_SERVER`.
        host: Address to listen on; `MODEL_SERVER_HOST`, by default all, as a container must.
        port: `MODEL_SERVER_PORT`, else SageMaker's `SAGEMAKER_BIND_TO_PORT`, else 8080.
        workers: Processes; `MODEL_SERVER_WORKERS`, by default the cores this container may use.
        threads: Long predictions that one worker runs at once; `MODEL_SERVER_THREADS`, 4.
        timeout: Seconds one prediction may take; `MODEL_SERVER_TIMEOUT`, 60 as in SageMaker.
        max_payload: Bytes a request's body may have; `MODEL_SERVER_MAX_PAYLOAD_MB`, 100 MB,
            which is the most that any SageMaker job sends (real-time endpoints stop at 6 MB).
        nginx: Whether nginx stands in front; `MODEL_SERVER_NGINX` = `on`, `off` or `auto`
            (on for the Flask door where nginx is installed, off for the fast one).
        csv_header: Whether `text/csv` without a `header` parameter starts with a line of names;
            `MODEL_SERVER_CSV_HEADER` = `absent` (SageMaker's convention) or `present`.
        reload: Restart on edits of the code or the model; `MODEL_SERVER_RELOAD`.
        access_log: A line for each request; `MODEL_SERVER_ACCESS_LOG`.
    """

    door: str
    host: str
    port: int
    workers: int
    threads: int
    timeout: float
    max_payload: int
    nginx: bool
    csv_header: bool
    reload: bool
    access_log: bool

    @property
    def address(self) -> str:
        """Host and port as gunicorn and nginx take them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Reads and checks every setting.

        Raises:
            ValueError: One or more variables have a value that is not allowed; lists them all.
        """
        read = _Reader(environ)
        door = read.choice("MODEL_SERVER", ("fast", "flask"))
        port = read.integer("SAGEMAKER_BIND_TO_PORT", 8080, 1, 65535)
        reload = read.switch("MODEL_SERVER_RELOAD")
        nginx = read.choice("MODEL_SERVER_NGINX", ("auto", "on", "off"))
        settings = cls(
            door=door,
            host=environ.get("MODEL_SERVER_HOST") or "0.0.0.0",  # noqa: S104 - the contract's
            port=read.integer("MODEL_SERVER_PORT", port, 1, 65535),
            workers=1 if reload else read.integer("MODEL_SERVER_WORKERS", 0, 0, 512) or cores(),
            threads=read.integer("MODEL_SERVER_THREADS", 4, 1, 256),
            timeout=read.number("MODEL_SERVER_TIMEOUT", 60, 1, 3600),
            max_payload=int(read.number("MODEL_SERVER_MAX_PAYLOAD_MB", 100, 0.001, 1024) * 2**20),
            nginx=nginx == "on"
            or (nginx == "auto" and door == "flask" and nginx_program() is not None),
            csv_header=read.choice("MODEL_SERVER_CSV_HEADER", ("absent", "present")) == "present",
            reload=reload,
            access_log=read.switch("MODEL_SERVER_ACCESS_LOG"),
        )
        if settings.nginx and nginx_program() is None:
            read.problems.append("MODEL_SERVER_NGINX=on: nginx is not installed")
        if read.problems:
            raise ValueError("; ".join(read.problems))
        return settings


class _Reader:
    """Reads variables one by one and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """The variable's value, or the first of those allowed."""
        value = self.environ.get(name) or allowed[0]
        if value not in allowed:
            self.problems.append(f"{name}={value}: must be one of {', '.join(allowed)}")
        return value

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """The variable's value as a number from `least` to `most`."""
        text = self.environ.get(name)
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            self.problems.append(f"{name}={text}: must be a number from {least:g} to {most:g}")
            return default
        return value

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """The variable's value as a whole number from `least` to `most`."""
        value = self.number(name, default, least, most)
        if value != int(value):
            self.problems.append(f"{name}={self.environ[name]}: must be a whole number")
        return int(value)

    def switch(self, name: str) -> bool:
        """Whether the variable says yes; without a value it says no."""
        value = self.environ.get(name, "").lower()
        if value not in ("", "0", "1", "off", "on", "false", "true", "no", "yes"):
            self.problems.append(f"{name}={self.environ[name]}: must be 1 or 0")
        return value in ("1", "on", "true", "yes")


def nginx_program() -> str | None:
    """The path of nginx, or None where it is not installed."""
    # /usr/sbin is not on every user's PATH, and it is where Debian puts nginx.
    return shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def cores() -> int:
    """The cores this process may use: its CPU affinity, cut by the container's CPU quota."""
    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        usable = os.cpu_count() or 1
    return max(1, min(usable, _quota()))


def _quota() -> int:
    """The cores that the control group grants (`docker run --cpus`), rounded up."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no such file, or "max"
        return sys.maxsize
