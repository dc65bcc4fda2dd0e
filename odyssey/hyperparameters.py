"""Hyperparameters: the app's own file, and what is typed.

`odyssey local train`, a container on this machine and a job on SageMaker start from the same file,
``input/config/hyperparameters.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey.console import clean
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "input/config/hyperparameters.json"


def load(app: Path) -> dict[str, str]:
    """Return the app's, all as texts, as SageMaker hands them on; none where there is no file.

    Args:
        app: The app's folder.

    Raises:
        UsageError: The file is no JSON object.
    """
    path = app / FILE
    return _read(path, FILE) if path.exists() else {}


def parse(words: Iterable[str]) -> dict[str, str]:
    """Return hyperparameters as SageMaker takes them: every value is text.

    Args:
        words: Each ``NAME=VALUE``, whose value stays as it is typed, or ``@FILE``, a JSON object,
            whose values become JSON text unless they are text already. The last of a name counts.

    Raises:
        UsageError: A word is neither, or the file is no JSON object.

    Example:
        >>> parse(["epochs=3", "optimizer=adam"])
        {'epochs': '3', 'optimizer': 'adam'}
    """
    found: dict[str, str] = {}
    for word in words:
        found |= _file(word) if word.startswith("@") else _pair(word)
    return found


def _pair(word: str) -> dict[str, str]:
    name, separator, value = word.partition("=")
    if not separator or not name:
        raise UsageError(
            f'--hyperparameters "{clean(word)}" is neither NAME=VALUE nor @FILE',
            "--hyperparameters epochs=3, or --hyperparameters @parameters.json",
        )
    return {name: value}


def _file(word: str) -> dict[str, str]:
    return _read(Path(word[1:]), f"--hyperparameters {clean(word)}")


def _read(path: Path, place: str) -> dict[str, str]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_refuse)
    except OSError as error:
        raise UsageError(f"{place}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{place}: is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{place}: is no JSON object", 'write it as {"epochs": 3}')
    # SageMaker hands on texts: JSON, but for what is a text already.
    return {n: v if isinstance(v, str) else json.dumps(v) for n, v in document.items()}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
