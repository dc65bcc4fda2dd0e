"""The app's hyperparameters: ``input/config/hyperparameters.json``.

`odyssey local train`, a container on this machine and a job on SageMaker start from the same file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from odyssey.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "input/config/hyperparameters.json"


def load(app: Path) -> dict[str, str]:
    """Return them, all as texts, as SageMaker hands them on; none where there is no file.

    Args:
        app: The app's folder.

    Raises:
        UsageError: The file is no JSON object.
    """
    try:
        document = json.loads((app / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{FILE}: cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{FILE}: an object is expected, such as {{'alpha': 0.1}}")
    return {name: as_text(value) for name, value in document.items()}


def as_text(value: object) -> str:
    """Return a value as the text that SageMaker hands on: JSON, but for what is a text already."""
    return value if isinstance(value, str) else json.dumps(value)
