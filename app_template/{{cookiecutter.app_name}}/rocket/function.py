"""What AWS Lambda calls: `app.serve` answers events, `app.train` makes a model.

They run the same serve.py and train.py as `docker run IMAGE serve` and `docker run IMAGE train`.
These variables, which the stack sets, say where on S3 things are; without them both work on the
folders of a layout (see settings.py), as they do on your machine:

    MODEL_URI     s3://BUCKET/KEY.tar.gz   the model that serve loads
    DATA_URI      s3://BUCKET/PREFIX/      one folder for each channel that train reads
    MODELS_URI    s3://BUCKET/PREFIX/      where train puts its models
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rocket import events
from rocket.core import Core
from rocket.model import Model
from rocket.settings import Layout, Settings

log = logging.getLogger("rocket")
if "AWS_LAMBDA_LOG_LEVEL" not in os.environ:
    log.setLevel(logging.INFO)


def serve(event: Any, context: Any) -> Any:
    """Answers one event with serve.py's `predict`.

    Args:
        event: A request of API Gateway (REST or HTTP) or of a function URL, whose body and headers
            are treated as an endpoint treats them. Any other JSON is what `predict` gets.
        context: Lambda's, not needed here.

    Returns:
        For a request status, headers and body, also where it cannot be answered; for any other
        event `predict`'s answer.

    Raises:
        Exception: What `predict` raises for an event that is no request, and what keeps the model
            from being loaded.
    """
    return events.answer(core(), event)


def train(event: Any, context: Any) -> dict[str, Any]:
    """Trains a model with train.py.

    Args:
        event: {}, or some of {"hyperparameters": {...}, "data": "s3://...", "models": "s3://..."};
            the two places are instead of DATA_URI and MODELS_URI.
        context: Lambda's; the function's name and the request's id become the model's name.

    Returns:
        `model`, the place of the model, and `seconds`, how long it took.

    Raises:
        ValueError: The event says something else.
        TrainingFailed: train.py raised; the message is its first line.
        TransferError: S3 refuses, or /tmp is too small.
    """
    from rocket.job import Job

    start = time.perf_counter()
    model = Job.from_event(event).run(context.function_name, context.aws_request_id)
    return {"model": model, "seconds": round(time.perf_counter() - start, 3)}


@functools.cache
def core() -> Core:
    """The core around serve.py and its model, loaded once in an execution environment."""
    start = time.perf_counter()
    settings = Settings.from_environment()
    model = Model(Layout.from_environment())
    try:
        with _fetching(model):
            model.import_code()
        model.load()
    except SystemExit as end:
        # As an exception it becomes an error that Lambda reports, and not the runtime's end.
        raise RuntimeError(model.trouble) from end
    log.info("serve.py and its model loaded in %.2f s", time.perf_counter() - start)
    return Core(model, settings)


@contextmanager
def _fetching(model: Model) -> Iterator[None]:
    """Fetches the model of MODEL_URI during a `with` block: S3 is slow, and so are imports."""
    uri = os.environ.get("MODEL_URI")
    if not uri:
        yield
        return
    from concurrent.futures import ThreadPoolExecutor

    from rocket import s3

    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(s3.fetch_model, uri)
        yield
        model.layout = fetched.result()


# Now, when this process is the one that serves: Lambda gives the start of an environment more
# cores than the memory pays for, and a model that cannot be loaded is known at once.
if any(word.endswith(".serve") for word in (*sys.argv[1:], os.environ.get("_HANDLER", ""))):
    core()
