"""What the function that trains is given: the app's data in S3, and an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey import hyperparameters, storage, trees
from odyssey.console import note, warn
from odyssey.storage import Uri

if TYPE_CHECKING:
    from odyssey.aws import Clients
    from odyssey.config import Config

FOLDER = "input/data"
"""Where the channels of the app's data are, a folder for each."""


def event(settings: Config) -> dict[str, Any]:
    """Return the event that trains as the app says: with its hyperparameters, if it has any.

    Raises:
        UsageError: The file of the hyperparameters is no JSON object.
    """
    found = hyperparameters.load(settings.folder)
    return {"hyperparameters": found} if found else {}


def upload(settings: Config, access: Clients, place: str) -> bool:
    """Put the app's channels where the function that trains reads them.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        place: The s3:// URI below which each channel has a folder.

    Returns:
        Whether there was anything to upload.

    Raises:
        UsageError: A file cannot be read.
        AwsError: S3 refuses.
    """
    source = settings.folder / FOLDER
    if not source.is_dir() or not trees.files(source, lambda name: name.startswith(".")):
        note(f"{FOLDER} has no file: the function reads what is in {place}")
        return False
    made = storage.upload(access.client("s3"), source, Uri.parse(place), changing=True)
    if made.others:
        warn(
            f"{made.uri} has {made.others} more objects, which the function reads too: "
            f"aws s3 ls --recursive {made.uri}"
        )
    return True
