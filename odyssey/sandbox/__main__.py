"""The sandbox's process, run as ``python -m odyssey.sandbox`` by `launch`.

It answers its parent with one line of JSON on stdout, when it answers clients or when it cannot,
and then tells what happens on stderr alone.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey.errors import OdysseyError
from odyssey.sandbox import records
from odyssey.sandbox.containment import contain
from odyssey.sandbox.launch import Wanted
from odyssey.sandbox.records import Record

if TYPE_CHECKING:
    from odyssey.sandbox.sandbox import Sandbox


def main() -> int:
    """Run until somebody asks to stop."""
    wanted = Wanted.read(json.loads(sys.argv[1]))
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("odyssey").setLevel(logging.INFO)
    with records.lock(wanted.name) as ours:
        if not ours:
            return _tell({"error": f'a sandbox "{wanted.name}" runs already'}, 1)
        try:
            contain()
            sandbox, record = _start(wanted)
        except OdysseyError as error:
            return _tell({"error": error.message, "hint": error.hint, "code": error.exit_code}, 1)
        # Before it is told where it is: whoever knows it may ask it to stop at once.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: sandbox.stop_asked.set())
        records.write(record)
        _tell({"record": record.__dict__}, 0)
        _wait(sandbox, wanted)
        left = sandbox.stop()
        if not wanted.keep:
            shutil.rmtree(wanted.folder, ignore_errors=True)
        records.remove(wanted.name)
    for name in left:
        logging.getLogger("odyssey.sandbox").warning("%s did not end", name)
    return 0


def _start(wanted: Wanted) -> tuple[Sandbox, Record]:
    from odyssey.sandbox.executors.choice import choose
    from odyssey.sandbox.sandbox import Sandbox, Settings

    folder = Path(wanted.folder)
    settings = Settings(folder, wanted.port, keep=wanted.keep, enforce_iam=wanted.enforce_iam)
    app = Path(wanted.app) if wanted.app else None
    try:
        sandbox = Sandbox(settings, lambda images: choose(wanted.executor, app, images))
        sandbox.start()
    except OSError as error:
        raise OdysseyError(
            f"port {wanted.port} is in use: {error.strerror}", "odyssey sandbox start --port 0"
        ) from error
    record = Record(
        wanted.name,
        sandbox.url,
        os.getpid(),
        sandbox.executor.name,
        str(folder),
        keeps=wanted.keep,
        enforces_iam=wanted.enforce_iam,
    )
    return sandbox, record


def _wait(sandbox: Sandbox, wanted: Wanted) -> None:
    """Wait until a client or a signal asks to stop, or whoever started this for a while is gone."""
    while not sandbox.stop_asked.wait(1.0):
        if wanted.parent and os.getppid() != wanted.parent:
            return


def _tell(document: dict[str, Any], code: int) -> int:
    print(json.dumps(document), flush=True)
    # The parent reads no more: what a library prints goes to the log.
    os.dup2(2, 1)
    return code


if __name__ == "__main__":
    sys.exit(main())
