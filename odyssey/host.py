"""Runs the app's own rocket on this machine, without Docker.

The app's folder is laid out as SageMaker lays out ``/opt/ml`` in a container, so that
``rocket/train`` and ``rocket/serve`` run here just as they run there.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import client, environment, ports, staging
from odyssey.console import Progress, clean, elapsed, note, size
from odyssey.errors import InterruptedByUserError, ServingError, TrainingError
from odyssey.process import Child, both, describe_end, no_one
from odyssey.readiness import Attendance, Readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from odyssey.config import Config

TRAIN_GRACE = 120.0
"""Seconds that a training may take to stop: what SageMaker gives it."""

SERVE_GRACE = 30.0
"""Seconds that the server may take to stop: what SageMaker gives it."""

MOST_SHOWN = 20
"""Files of a model that are named to a reader."""


@dataclass(frozen=True)
class Trained:
    """A training that succeeded.

    Args:
        model: The folder of the model.
        files: Its files and their sizes in bytes, by path within the folder.
        seconds: How long the training took.
    """

    model: Path
    files: Mapping[str, int]
    seconds: float

    def summary(self) -> str:
        """Return the files, as many as a reader wants to see, and the time."""
        files = [f"  {clean(name)}  {size(count)}" for name, count in self.files.items()]
        if len(files) > MOST_SHOWN:
            whole = size(sum(self.files.values()))
            files[MOST_SHOWN:] = [f"  ... {len(files):,} files, {whole} in all"]
        return "\n".join([f"Trained in {elapsed(self.seconds)}; the model is:", *files])

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        files = [{"path": name, "bytes": count} for name, count in self.files.items()]
        return {"model": str(self.model), "files": files, "seconds": round(self.seconds, 3)}


def train(settings: Config) -> Trained:
    """Run the app's ``rocket/train`` over its ``input/`` and replace ``model/`` by the result.

    The old model stays until the training has succeeded.

    Raises:
        TrainingError: There is no data, another training runs, or the training failed.
        InterruptedByUserError: Ctrl-C, or a signal that asks to stop.
    """
    app = settings.folder
    _require_rocket(app, "train", TrainingError)
    staging.require_data(app)
    python = environment.python_for(settings)
    with staging.area(app) as area:
        _run_train(settings, python, area)
        return committed(area, "its model folder")


def committed(area: staging.Area, folder: str) -> Trained:
    """Put the model of a training that succeeded in the place of the app's, and return it.

    Args:
        area: Where the training ran.
        folder: Where it was to write its model, as a reader knows it.

    Raises:
        TrainingError: It wrote no file there.
    """
    seconds = area.seconds()
    if not area.has_model():
        raise TrainingError(
            f"the training wrote no file into {folder}; model/ is unchanged",
            "save the model under model_path in train.py",
        )
    area.commit()
    model = area.app / staging.MODEL
    return Trained(model, dict(staging.files(model)), seconds)


def _run_train(settings: Config, python: Path, area: staging.Area) -> None:
    app = settings.folder
    env = variables(settings, os.environ, ROCKET_ML_ROOT=str(area.root))
    progress = Progress("Training")
    argv = [str(python), str(app / "rocket" / "train")]
    with _child(argv, app, env, TRAIN_GRACE, TrainingError) as child:
        code = child.run(progress.feed, Attendance(child, progress))
    progress.end()
    if child.stopped_by is not None:
        raise InterruptedByUserError("the training was interrupted; model/ is unchanged")
    if code != 0:
        reason = staging.reason(app)
        raise TrainingError(
            f"the training failed ({describe_end(code)}); model/ is unchanged{reason}",
            f"the whole reason is in {app / 'output' / 'failure'}" if reason else None,
        )


def serve(
    settings: Config,
    *,
    reload: bool = False,
    quiet: bool = False,
    when_ready: Callable[[str, str], None],
    on_output: Callable[[bytes], None] = no_one,
) -> None:
    """Run the app's ``rocket/serve`` on 127.0.0.1 until it is asked to stop.

    Args:
        settings: The app's settings.
        reload: Restart the server when a file of the app changes.
        quiet: No line for each request.
        when_ready: Called once when the model is loaded, with the server's URL and the option of
            ``odyssey local request`` that finds it (empty for the port it looks at anyway).
        on_output: Takes what the server prints, which the terminal shows as well.

    Raises:
        ServingError: The port is taken, there is no model, or the server ended by itself.
    """
    app, port = settings.folder, settings.local.port
    _require_rocket(app, "serve", ServingError)
    staging.require_model(app, "odyssey local train")
    python = environment.python_for(settings)
    # As late as can be: making an environment may have taken minutes.
    require_free(port, settings.origin("local.port"), "odyssey local serve")
    env = variables(settings, os.environ, **_server_variables(settings, reload=reload, quiet=quiet))
    progress = Progress("Starting the server")
    argv = [str(python), str(app / "rocket" / "serve")]
    with _child(argv, app, env, SERVE_GRACE, ServingError) as child:
        wait = Readiness(settings, Attendance(child, progress), when_ready)
        code = child.run(both(progress.feed, on_output), wait)
    progress.end()
    if child.stopped_by is not None and not wait.ready:
        raise InterruptedByUserError("stopped before the model was loaded")
    if child.stopped_by is not None:
        note("The server has stopped")
        return
    when = "ended by itself" if wait.ready else "ended before its model was loaded"
    raise ServingError(f"the server {when} ({describe_end(code)}); the reason is in its log above")


@contextmanager
def _child(
    argv: list[str],
    app: Path,
    env: Mapping[str, str],
    grace: float,
    failure: type[TrainingError | ServingError],
) -> Iterator[Child]:
    try:
        with Child(argv, cwd=app, env=env, grace=grace) as child:
            yield child
    except (FileNotFoundError, PermissionError) as error:
        raise failure(f"{error.filename}: {error.strerror}") from error


def variables(settings: Config, environ: Mapping[str, str], **ours: str) -> dict[str, str]:
    """Return the variables of the rocket.

    Args:
        settings: The app's settings, which it reads from there.
        environ: All others.
        ours: Those that come last.
    """
    server = settings.server
    env = {
        **environ,
        "PYTHONUNBUFFERED": "1",
        "MODEL_SERVER": server.kind,
        "MODEL_SERVER_THREADS": str(server.threads),
        "MODEL_SERVER_TIMEOUT": str(server.timeout),
        "MODEL_SERVER_MAX_PAYLOAD_MB": str(server.max_payload_mb),
        "MODEL_SERVER_NGINX": server.nginx,
        "MODEL_SERVER_CSV_HEADER": server.csv_header,
    }
    env.pop("MODEL_SERVER_WORKERS", None)
    if server.workers:
        env["MODEL_SERVER_WORKERS"] = str(server.workers)
    return env | ours


def _server_variables(settings: Config, *, reload: bool, quiet: bool) -> dict[str, str]:
    return {
        "ROCKET_ML_ROOT": str(settings.folder),
        "MODEL_SERVER_HOST": client.HOST,
        "MODEL_SERVER_PORT": str(settings.local.port),
        "MODEL_SERVER_RELOAD": "1" if reload else "0",
        "MODEL_SERVER_ACCESS_LOG": "0" if quiet else "1",
    }


def _require_rocket(app: Path, program: str, failure: type[TrainingError | ServingError]) -> None:
    if not (app / "rocket" / program).is_file():
        raise failure(
            f"rocket/{program} is missing from {app}",
            "take it from git, or from a new app: odyssey init -p aws -s sagemaker start",
        )


def require_free(port: int, origin: str, command: str) -> None:
    """Check that a port of this machine is free.

    Args:
        port: The port.
        origin: Where its number comes from, for the message.
        command: The command to type with another port.

    Raises:
        ServingError: It is taken, or for root only.
    """
    try:
        ports.probe(port)
    except PermissionError:
        raise ServingError(
            f"port {port} ({origin}) is for root only", f"{command} --port 8080"
        ) from None
    except OSError as error:
        raise ServingError(
            f"port {port} ({origin}) is in use: {error.strerror}",
            f"stop what listens there, or: {command} --port {_another(port)}",
        ) from None


def _another(port: int) -> int:
    return port + 1 if port < 65535 else 8080
