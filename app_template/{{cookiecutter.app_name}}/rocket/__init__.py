"""The container's server and trainer: everything between AWS and your two files.

You normally edit `train.py`, `serve.py` and `requirements.txt` only; this package is yours
all the same, and meant to be read:

    train, serve   what `docker run IMAGE train` and `docker run IMAGE serve` execute

    settings       where files lie, what the environment says
    training       runs train.py, passes signals on, reports a failure
    model          loads serve.py, and the model, once
    formats        the table of formats: how bytes become input, how answers become bytes
    core           decode -> predict -> encode, and every error that a client can see
    runner         where a prediction runs: on the event loop, or in a thread when it is long
    watch          answers pings for a worker whose event loop a prediction holds up
    batching       micro-batches, when serve.py defines predict_batch
    asgi           the two doors, and between them the fast one (MODEL_SERVER=fast)
    predictor      the Flask application of the other (MODEL_SERVER=flask)
    wsgi           the same application for a WSGI server of your own
    server         gunicorn: loads the model, starts the workers, stops without a loss
    sockets        fair shares of connections, and none lost at the end
    front          nginx in front of gunicorn, with nginx.conf
    reload         restarts on edits, for development

and for AWS Lambda, which starts no server but calls functions:

    function       what it calls: `serve` and `train`
    events         the third door: events in, answers of the core out
    job            one training: data from S3, the program `train`, the model to S3
    s3             what is fetched and sent
    archives       model.tar.gz, packed and unpacked
    workplace      folders below /tmp that leave nothing behind
"""

from rocket.errors import BadInput

__all__ = ["BadInput"]
