"""The first journey, from an empty folder to predictions on this machine: what `make demo` runs.

Every command is shown before it runs, so that it can be typed again. The app lives in a
temporary folder, which is removed at the end; `--keep DIR` makes it there and leaves it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

FLOWERS = "5.1,3.5,1.4,0.2\n5.9,3.0,4.2,1.5\n6.7,3.0,5.2,2.3\n"
ODYSSEY = [sys.executable, "-m", "odyssey"]


def show(command: list[str]) -> None:
    """Print a command as it is typed."""
    print(f"\n$ odyssey {shlex.join(command)}", flush=True)


def odyssey(*command: str, folder: Path) -> None:
    """Show a command and run it; a failure ends the journey."""
    show(list(command))
    subprocess.run([*ODYSSEY, *command], cwd=folder, check=True)


@contextlib.contextmanager
def serving(app: Path, port: int) -> Iterator[None]:
    """Runs `odyssey local serve` while the body runs, and stops it as Ctrl-C does."""
    command = ["local", "serve", "--port", str(port)]
    show(command)
    process = subprocess.Popen([*ODYSSEY, *command], cwd=app)
    try:
        while process.poll() is None and not answers(port):
            time.sleep(0.1)
        if process.poll() is not None:
            sys.exit(f"the server ended with exit code {process.returncode}")
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def answers(port: int) -> bool:
    """Whether a server listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def journey(folder: Path) -> None:
    """Init, train, serve, predict."""
    odyssey("init", "-p", "aws", "-s", "sagemaker", "start", "testapp", folder=folder)
    app = folder / "testapp"
    odyssey("local", "train", folder=app)
    (app / "flowers.csv").write_text(FLOWERS)
    port = free_port()
    with serving(app, port):
        record = '{"observation": [5.1, 3.5, 1.4, 0.2]}'
        ask = ["local", "request", "--port", str(port)]
        odyssey(*ask, "--data", record, folder=app)
        odyssey(*ask, "--file", "flowers.csv", "--content-type", "text/csv", folder=app)


def main() -> None:
    """Runs the journey in a temporary folder, or in the one that is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", metavar="DIR", type=Path, help="make the app here and leave it")
    keep = parser.parse_args().keep
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parent.parent))
    start = time.monotonic()
    if keep is not None:
        journey(keep.resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="odyssey-") as folder:
            journey(Path(folder))
    print(f"\nFrom an empty folder to predictions in {time.monotonic() - start:.0f} s.")


if __name__ == "__main__":
    main()
