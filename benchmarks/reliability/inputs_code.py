"""Code and models that fail in the usual ways: train.py, serve.py, requirements, archives."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
from pathlib import Path

from benchmarks.reliability.inputs import Input, experiment

TRAIN = ("local", "train")
SIGNATURE = "def train(input_path, model_path, param_path=None):\n    "
PREDICT = "def predict(input_data, model):\n    return 1\n"
LOAD = "def get_model(model_path):\n    "


def _train(what: str, code: str, codes: tuple[int, ...] = (1,), says: str = "") -> Input:
    return Input(what, TRAIN, codes, files={"train.py": code}, says=says)


def _serve(what: str, code: str, says: str = "") -> Input:
    return Input(
        what, ("local", "serve", "--port", "{port}"), (1, 2), files={"serve.py": code}, says=says
    )


def _no_data(app: Path) -> None:
    shutil.rmtree(app / "input" / "data")


def _no_model(app: Path) -> None:
    shutil.rmtree(app / "model")


TRAININGS = [
    _train("train.py is no Python", "def train(:\n", says="SyntaxError"),
    _train(
        "train.py imports what is not there", "import no_such_package\n", says="no_such_package"
    ),
    _train("train.py has no train()", "x = 1\n"),
    _train("train() takes other arguments", "def train(a, b, c, d, e): ...\n"),
    _train(
        "train() raises", f"{SIGNATURE}raise ValueError('a bad row: 17')\n", says="a bad row: 17"
    ),
    _train("train() raises without a word", f"{SIGNATURE}raise Exception\n"),
    _train("train() writes no model", f"{SIGNATURE}pass\n"),
    _train("train() exits with 0 at once", f"{SIGNATURE}import sys; sys.exit(0)\n"),
    _train("train() exits with 3", f"{SIGNATURE}import sys; sys.exit(3)\n"),
    _train("train() ends the process", f"{SIGNATURE}import os; os._exit(0)\n"),
    _train(
        "train() kills itself", f"{SIGNATURE}import os; os.kill(os.getpid(), 9)\n", says="SIGKILL"
    ),
    _train(
        "train() recurses without end", f"{SIGNATURE}return train(1, 2)\n", says="RecursionError"
    ),
    _train(
        "train() runs into a segmentation fault", f"{SIGNATURE}import ctypes; ctypes.string_at(0)\n"
    ),
    _train("train.py is binary", "\0\0\0"),
    Input("train.py is missing", TRAIN, (1,), change=lambda app: (app / "train.py").unlink()),
    Input("there is no data", TRAIN, (1,), change=_no_data),
    Input(
        "the data is no table",
        TRAIN,
        (1,),
        files={
            "input/data/training/iris.csv": b"\xff\xfe\x00" * 99,
            "input/data/training/iris.data": b"\xff\xfe\x00" * 99,
        },
    ),
    Input(
        "hyperparameters that are no JSON",
        TRAIN,
        (1, 2),
        files={"input/config/hyperparameters.json": "{'a': 1}"},
    ),
    Input(
        "requirements that no index has",
        TRAIN,
        (1,),
        files={"requirements.txt": "no-such-package-at-all==1.0\n"},
        settings="",
    ),
    Input(
        "requirements that are no requirements",
        TRAIN,
        (1, 2),
        files={"requirements.txt": "!!! what\n"},
    ),
]

SERVERS = [
    _serve("serve.py is no Python", "def predict(:\n"),
    _serve(
        "serve.py imports what is not there", "import no_such_package\n", says="no_such_package"
    ),
    _serve("serve.py has no predict()", f"{LOAD}return 1\n"),
    _serve("serve.py has no get_model()", PREDICT),
    _serve(
        "get_model() raises", f"{LOAD}raise OSError('no weights here')\n{PREDICT}", "no weights"
    ),
    _serve("get_model() ends the process", f"{LOAD}import os; os._exit(1)\n{PREDICT}"),
    _serve("get_model() kills itself", f"{LOAD}import os; os.kill(os.getpid(), 9)\n{PREDICT}"),
    Input("there is no model", ("local", "serve", "--port", "{port}"), (1,), change=_no_model),
    Input(
        "the model is no pickle",
        ("local", "serve", "--port", "{port}"),
        (1,),
        files={"model/model.pkl": "no pickle"},
    ),
    Input(
        "the model is half a pickle",
        ("local", "serve", "--port", "{port}"),
        (1,),
        change=lambda app: os.truncate(app / "model/model.pkl", 300),
    ),
]


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


def _archive(what: str, content: bytes, codes: tuple[int, ...] = (1, 2)) -> Input:
    words = ("sagemaker", "upload", "model.tar.gz", "-m", "s3://nowhere/models", "--dry-run")
    return Input(what, words, codes, files={"model.tar.gz": content})


WHOLE = _tar((_member("model.pkl"), b"x" * 100_000))
ARCHIVES = [
    _archive("an archive cut in the middle", WHOLE[: len(WHOLE) // 2]),
    _archive("an archive of no bytes", b""),
    _archive("a gzip of no archive", gzip.compress(b"no tar" * 1000)),
    _archive("an archive with a wrong checksum", WHOLE[:-8] + b"\0" * 8),
    _archive("an archive whose file lands outside", _tar((_member("../../evil"), b"x"))),
    _archive("an archive with an absolute path", _tar((_member("/etc/evil"), b"x"))),
    _archive(
        "an archive with a link that leads out",
        _tar((_member("a", tarfile.SYMTYPE, "/etc/passwd"), b"")),
    ),
    _archive("an archive with a device", _tar((_member("a", tarfile.CHRTYPE), b""))),
    _archive("an archive without a file", _tar()),
    _archive("an archive of another model", WHOLE),
    Input(
        "a model that is not there", ("sagemaker", "upload", "nothing", "-m", "s3://nowhere/models")
    ),
    Input(
        "a model in which a link leads nowhere",
        ("sagemaker", "upload", "model", "-m", "s3://nowhere/models"),
        (2,),
        change=lambda app: (app / "model/x").symlink_to("nowhere"),
    ),
    Input(
        "a named pipe for a model",
        ("sagemaker", "upload", "pipe", "-m", "s3://nowhere/models"),
        (2,),
        change=lambda app: os.mkfifo(app / "pipe"),
    ),
    Input("a prefix that is no URI", ("sagemaker", "upload", "model", "-m", "nowhere"), (2,)),
]

EXPERIMENTS = [
    experiment("inputs-train", "A train.py, data and requirements that fail", TRAININGS),
    experiment("inputs-serve", "A serve.py and models that fail", SERVERS),
    experiment("inputs-archives", "Broken and hostile model archives", ARCHIVES),
]
