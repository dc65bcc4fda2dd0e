"""The app's own requests, which the container contract test sends."""

from __future__ import annotations

from dataclasses import dataclass
from mimetypes import MimeTypes
from typing import TYPE_CHECKING

from odyssey.client import JSON, TYPES
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """A request that the app answers.

    Args:
        name: The name of its file.
        body: What is sent.
        content_type: Its type.
    """

    name: str
    body: bytes
    content_type: str = JSON


def load(folder: Path) -> tuple[Sample, ...]:
    """Return the samples of a folder, by name; a folder that is not there has none.

    Args:
        folder: The folder; a file's suffix stands for its type (JSON, where it is not known), and
            hidden files and those that explain the others (``.md``) are left out.

    Raises:
        UsageError: A file cannot be read.
    """
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file())
        return tuple(
            Sample(file.name, file.read_bytes(), _type_of(file))
            for file in files
            if not file.name.startswith(".") and file.suffix.lower() != ".md"
        )
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be read: {error.strerror}") from error


def _type_of(file: Path) -> str:
    # Python's own table: that of the machine would make another test elsewhere.
    known = MimeTypes().guess_type(file.name)[0]
    return TYPES.get(file.suffix.lower()) or known or JSON
