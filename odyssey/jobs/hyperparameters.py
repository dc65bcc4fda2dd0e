"""Hyperparameters as they are typed: ``k=v``, or a file of JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey.console import clean
from odyssey.errors import UsageError
from odyssey.hyperparameters import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable


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
        found |= _file(Path(word[1:])) if word.startswith("@") else _pair(word)
    return found


def _pair(word: str) -> dict[str, str]:
    name, separator, value = word.partition("=")
    if not separator or not name:
        raise UsageError(
            f'--hyperparameters "{clean(word)}" is neither NAME=VALUE nor @FILE',
            "--hyperparameters epochs=3, or --hyperparameters @parameters.json",
        )
    return {name: value}


def _file(path: Path) -> dict[str, str]:
    place = f"--hyperparameters @{clean(str(path))}"
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_refuse)
    except OSError as error:
        raise UsageError(f"{place}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{place}: is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{place}: is no JSON object", 'write it as {"epochs": 3}')
    return {name: as_text(value) for name, value in document.items()}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
