"""What can go wrong, and the exit code of each.

::

    OdysseyError                 1  something failed
    ├── UsageError               2  the command line or the configuration is wrong
    │   ├── InvalidNameError        an app's name breaks a rule of AWS
    │   ├── AppNotFoundError        there is no odyssey.toml here
    │   ├── ConfigError             odyssey.toml, a variable or an option has a wrong value
    │   └── FolderNotEmptyError     the folder of the new app has something in it
    ├── ScaffoldError            1  the app's files could not be made
    ├── DependencyError          1  the app's requirements could not be installed
    ├── TrainingError            1  train.py failed, or cannot start
    ├── ServingError             1  the server failed, or cannot start
    ├── RequestError             1  no answer, or an answer that is an error
    ├── SynthesisError           1  the CDK app failed
    ├── DeploymentError          1  a stack could not be deployed or destroyed
    ├── ImageError               1  an image could not be built, run or pushed, or breaks a rule
    ├── JobError                 1  a job on SageMaker failed
    ├── TimedOutError            6  something took longer than it may
    ├── AwsError                 5  AWS refused: credentials, permissions, region
    ├── MissingToolError         7  a program that is needed is not installed
    ├── BugError                70  odyssey itself is wrong
    └── InterruptedByUserError 130  Ctrl-C, or a signal that asks to stop

A module turns the exceptions of the libraries it uses into these at its own edge; only
``odyssey.cli`` catches them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class OdysseyError(Exception):
    """Something failed in a way that odyssey can explain.

    Args:
        message: What happened, with the value that was seen and the rule it breaks.
        hint: What to do next, most often the command to type. By default the class's own hint.
    """

    exit_code: ClassVar[int] = 1
    hint: str | None = None

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Keep the message, and the hint when there is one."""
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint


class UsageError(OdysseyError):
    """The command line or the configuration is wrong; nothing was done."""

    exit_code = 2


class InvalidNameError(UsageError):
    """An app's name breaks a rule of AWS."""


class AppNotFoundError(UsageError):
    """There is no ``odyssey.toml`` in the current folder or above it."""

    hint = (
        "go to the app's folder, name it with --app DIR, "
        "or make an app: odyssey init -p aws -s sagemaker start"
    )


class ConfigError(UsageError):
    """``odyssey.toml``, a variable or an option has a wrong value.

    Args:
        problems: Every problem found, each one line that names its place.
        hint: As in `OdysseyError`.
    """

    def __init__(self, problems: Iterable[str], hint: str | None = None) -> None:
        """Join the problems, one a line."""
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems), hint)


class FolderNotEmptyError(UsageError):
    """The folder of the new app has something in it."""


class ScaffoldError(OdysseyError):
    """The app's files could not be made."""


class DependencyError(OdysseyError):
    """The app's requirements could not be installed."""


class TrainingError(OdysseyError):
    """``train.py`` failed, or cannot start."""


class ServingError(OdysseyError):
    """The server failed, or cannot start."""


class RequestError(OdysseyError):
    """There was no answer, or the answer is an error."""


class SynthesisError(OdysseyError):
    """The CDK app failed."""


class DeploymentError(OdysseyError):
    """A stack could not be deployed or destroyed, or is in a state that forbids it."""


class ImageError(OdysseyError):
    """An image could not be built, run or pushed, or it breaks a rule of AWS."""


class JobError(OdysseyError):
    """A training or transform job on SageMaker failed, or was stopped."""


class TimedOutError(OdysseyError):
    """Something took longer than it may."""

    exit_code = 6


class AwsError(OdysseyError):
    """AWS refused: no credentials, no permission, no region, or a request that it does not take."""

    exit_code = 5


class MissingToolError(OdysseyError):
    """A program that is needed is not installed."""

    exit_code = 7


class BugError(OdysseyError):
    """Odyssey itself is wrong: an exception that nobody expected."""

    exit_code = 70


class InterruptedByUserError(OdysseyError):
    """Ctrl-C, or a signal that asks to stop."""

    exit_code = 130


def did_you_mean(word: str, known: Iterable[str], template: str = "{}") -> str:
    """Return ``, did you mean X?`` for the known word nearest to this one, or nothing.

    Args:
        word: The word as it was typed.
        known: The words that would have been right.
        template: How the nearest word is shown, with ``{}`` in its place.
    """
    from difflib import get_close_matches

    nearest = get_close_matches(word, list(known), n=1)
    return f", did you mean {template.format(nearest[0])}?" if nearest else ""
