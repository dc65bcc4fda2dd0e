"""The options that the group and its commands share; those of the command come first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from odyssey import options
from odyssey.commands import grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.config import Config
    from odyssey.options import AnyCommand


@dataclass(frozen=True)
class Here(grouped.Here):
    """What the shared options say; None is not given.

    Args:
        role: ``-r``.
        image: ``--image``.
        timeout: ``-t``.
        memory_mb: ``--memory``.
    """

    role: str | None = None
    image: str | None = None
    timeout: int | None = None
    memory_mb: int | None = None

    def settings(self, flags: Mapping[str, object] | None = None) -> Config:
        """Return the app's settings.

        Args:
            flags: The values of the command's own settings, by path.
        """
        shared: dict[str, object] = {
            "aws.region": self.region,
            "artifacts.image": self.image,
            "function.timeout": self.timeout,
            "function.memory_mb": self.memory_mb,
        }
        return options.settings(self.folder, self.env, {**shared, **(flags or {})})


_ROLE = click.option(
    "-r",
    "--role",
    metavar="ROLE",
    help="The role that the functions run as: its ARN or its name.  "
    "[default: role under [function] in odyssey.toml, else roles that the stack makes]",
)
_OPTIONS = grouped.Shared(
    Here,
    {
        "role": _ROLE,
        "image": options.setting("artifacts.image"),
        "timeout": options.setting("function.timeout", "-t"),
        "memory": options.setting("function.memory_mb", "--memory"),
    },
)

of_group, keep, here = _OPTIONS.of_group, _OPTIONS.keep, _OPTIONS.here


def function(meaning: str) -> Callable[[AnyCommand], AnyCommand]:
    """Add ``-n FUNCTION``, with its meaning and default."""
    return click.option("-n", "--function", metavar="FUNCTION", help=meaning)
