"""Odyssey: an app baked from the template, with the benchmark's serve.py and model in it."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.environments import UnavailableError
from benchmarks.processes import Launch
from benchmarks.subjects import SLOW_CONCURRENCY, Setting, Subject

HERE = Path(__file__).parent
TEMPLATE = HERE.parents[2] / "app_template"
APP_NAME = "benchmark"


@functools.cache
def baked(folder: Path) -> Path:
    """Bake an app into ``folder`` and return its path: by odyssey if it is importable.

    Raises:
        UnavailableError: The template could not be baked.
    """
    try:
        try:
            from odyssey import scaffold
        except ImportError:
            from cookiecutter.main import cookiecutter

            answers = {"app_name": APP_NAME}
            made = cookiecutter(
                str(TEMPLATE), no_input=True, output_dir=str(folder), extra_context=answers
            )
            return Path(made)
        return scaffold.bake(APP_NAME, "sagemaker", folder, template=TEMPLATE)
    except Exception as error:
        # Whatever the two libraries raise, the peers can still be measured.
        raise UnavailableError(f"baking the app failed: {error!r}") from error


def launch(
    *, door: str = "fast", serve: str = "serve.py", model: str = "model.pkl", answers: str = ""
) -> Callable[[Setting], Launch]:
    """Return the start of a copy of the app.

    Args:
        door: ``MODEL_SERVER``: "fast" or "flask".
        serve: The file beside this one that becomes the app's serve.py.
        model: The pickle that becomes the app's model.
        answers: What batches yield: "integers" (also when empty) or "floats".
    """

    def start(setting: Setting) -> Launch:
        app = setting.scratch / "app"
        shutil.copytree(baked(setting.inputs.folder), app)
        shutil.copy(HERE / serve, app / "serve.py")
        shutil.copy(setting.inputs.folder / model, app / "model" / "model.pkl")
        # The slow pickle names the module it is restored by.
        shutil.copy(HERE.parents[1] / "model" / "slow_unpickling.py", app)
        variables = {
            "ROCKET_ML_ROOT": str(app),
            "MODEL_SERVER": door,
            "MODEL_SERVER_HOST": "127.0.0.1",
            "MODEL_SERVER_PORT": str(setting.port),
            "MODEL_SERVER_WORKERS": str(setting.workers),
            "MODEL_SERVER_NGINX": "off",
            "BENCHMARK_ANSWERS": answers or "integers",
        }
        return Launch([str(setting.python), str(app / "rocket" / "serve")], variables, app)

    return start


FAST, FLASK = "Odyssey, fast door", "Odyssey, Flask door without nginx"
SUBJECTS = [
    Subject("fast", FAST, "bare", launch(), batch="integers"),
    Subject("fast-batch", f"{FAST}: predict_batch", "bare", launch(serve="serve_batch.py")),
    Subject("flask", FLASK, "bare", launch(door="flask"), batch="integers"),
    Subject(
        "fast-slow",
        f"{FAST}: a model that takes 50 ms to unpickle",
        "bare",
        launch(model="slow.pkl"),
        concurrency=SLOW_CONCURRENCY,
    ),
    Subject(
        "flask-slow",
        f"{FLASK}: a model that takes 50 ms to unpickle",
        "bare",
        launch(door="flask", model="slow.pkl"),
        concurrency=SLOW_CONCURRENCY,
    ),
    Subject(
        "fast-floats",
        f"{FAST}: floats",
        "bare",
        launch(answers="floats"),
        concurrency=(),
        batch="floats",
    ),
    Subject(
        "fast-pyarrow",
        f"{FAST}: pyarrow installed",
        "bare_pyarrow",
        launch(),
        concurrency=(),
        batch="integers",
    ),
    Subject(
        "fast-pyarrow-floats",
        f"{FAST}: pyarrow installed, floats",
        "bare_pyarrow",
        launch(answers="floats"),
        concurrency=(),
        batch="floats",
    ),
]
