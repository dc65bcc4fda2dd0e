"""Runs the app's ``app.serve`` on this machine, without Docker, as the function behind a URL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from odyssey import client, environment, host, staging
from odyssey.console import Progress, note
from odyssey.errors import InterruptedByUserError, ServingError
from odyssey.functions import emulated, variables
from odyssey.functions.emulated import Emulated
from odyssey.functions.starting import Starting
from odyssey.process import Child, both, describe_end, no_one
from odyssey.readiness import Attendance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from odyssey.config import Config


def serve(
    settings: Config,
    *,
    quiet: bool = False,
    when_ready: Callable[[str, str], None],
    on_output: Callable[[bytes], None] = no_one,
) -> None:
    """Run ``app.serve`` behind the emulator on 127.0.0.1 until it is asked to stop.

    Args:
        settings: The app's settings.
        quiet: Leave out Lambda's lines for each event.
        when_ready: As in `odyssey.host.serve`.
        on_output: As there.

    Raises:
        ServingError: The port is taken, there is no model, or the function cannot start.
        InterruptedByUserError: It was stopped before it had started.
    """
    app, port = settings.folder, settings.local.port
    require_app(app)
    staging.require_model(app, "odyssey local train")
    python = environment.python_for(settings)
    # As late as can be: making an environment may have taken minutes.
    host.require_free(port, settings.origin("local.port"), "odyssey local serve")
    words = emulated.command(
        [str(python), *emulated.RUNTIME, emulated.SERVE],
        timeout=settings.function.timeout,
        python=str(python),
        source=str(emulated.SOURCE),
        host=client.HOST,
        port=port,
        quiet=quiet,
    )
    progress = Progress("Starting the function")
    url, option = f"http://{client.HOST}:{port}", port_option(settings)
    with Child(words, cwd=app, env=_variables(settings), grace=host.SERVE_GRACE) as child:
        wait = Starting(
            Emulated((client.HOST, port)),
            Attendance(child, progress),
            lambda: when_ready(url, option),
        )
        code = child.run(both(progress.feed, on_output), wait)
    progress.end()
    if child.stopped_by is None:
        raise ServingError(
            f"the emulator ended by itself ({describe_end(code)}); the reason is in its log above"
        )
    if not wait.ready:
        raise InterruptedByUserError("stopped before the function had started")
    note("The function has stopped")


def port_option(settings: Config) -> str:
    """Return the option of a request that finds the server; "" for the port it looks at anyway."""
    return f" --port {settings.local.port}" if settings.origin("local.port") == "--port" else ""


def require_app(app: Path) -> None:
    """Check that an app has what Lambda calls.

    Raises:
        ServingError: ``app.py`` is missing.
    """
    if not (app / "app.py").is_file():
        raise ServingError(
            f"app.py is missing from {app}: it has what Lambda calls, app.train and app.serve",
            "take it from git, or from a new app: odyssey init -p aws -s lambda start",
        )


def _variables(settings: Config) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in variables.PLACES}
    root = {"ROCKET_ML_ROOT": str(settings.folder)}
    return {**host.variables(settings, inherited), **variables.own(settings, "serve"), **root}
