"""The container's server and trainer: everything between SageMaker and your two files.

You normally edit `train.py`, `serve.py` and `requirements.txt` only; this package is yours
all the same, and meant to be read:

    train       what `docker run IMAGE train` executes     -> training.py
    serve       what `docker run IMAGE serve` executes     -> server.py
    settings    where files lie, what the environment says
    model       loads serve.py, and the model, once
    formats     the table of formats: how bytes become input, how answers become bytes
    core        decode -> predict -> encode, and every error a client can see
    runner      where a prediction runs: on the event loop, or in a thread when it is long
    asgi        the fast door (MODEL_SERVER=fast)
    batching    the fast door's micro-batches, when serve.py defines predict_batch
    predictor   the Flask door (MODEL_SERVER=flask); wsgi.py offers it to any WSGI server
"""

from rocket.errors import BadInput

__all__ = ["BadInput"]
