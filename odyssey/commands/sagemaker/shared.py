"""The options that the group and its commands share; those of the command come first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from odyssey import options
from odyssey.commands import grouped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.config import Config
    from odyssey.options import AnyCommand


@dataclass(frozen=True)
class Here(grouped.Here):
    """What the shared options say; None is not given.

    Args:
        role: ``-r``.
        name: ``-n``.
        instance_count: ``-c``.
        instance_type: ``-in``.
    """

    role: str | None = None
    name: str | None = None
    instance_count: int | None = None
    instance_type: str | None = None

    def settings(
        self, section: str | None = None, flags: Mapping[str, object] | None = None
    ) -> Config:
        """Return the app's settings.

        Args:
            section: The section that ``-c`` and ``-in`` are for.
            flags: The values of the command's own settings, by path.
        """
        shared: dict[str, object] = {"aws.region": self.region}
        if section is not None:
            shared[f"{section}.instance_count"] = self.instance_count
            shared[f"{section}.instance_type"] = self.instance_type
        return options.settings(self.folder, self.env, {**shared, **(flags or {})})


_ROLE = click.option(
    "-r",
    "--role",
    metavar="ROLE",
    help="The role that SageMaker takes on: its ARN or its name.  "
    "[default: that of the app's stacks]",
)
_NAME = click.option(
    "-n",
    "--name",
    metavar="NAME",
    help="What the names of jobs begin with; that of the endpoint.  "
    "[default: the app's name, with its environment]",
)
_COUNT = click.option(
    "-c",
    "--instance-count",
    type=int,
    metavar="COUNT",
    help="Instances of the job or the endpoint.  [default: instance_count of [training], "
    "[transform] or [endpoint] in odyssey.toml, else 1]",
)
_TYPE = click.option(
    "-in",
    "--instance-type",
    metavar="TYPE",
    help="Type of the instances.  [default: instance_type of [training], [transform] or "
    "[endpoint] in odyssey.toml, else ml.m5.large]",
)
_OPTIONS = grouped.Shared(Here, {"role": _ROLE, "name": _NAME, "count": _COUNT, "type": _TYPE})

of_group, keep, here = _OPTIONS.of_group, _OPTIONS.keep, _OPTIONS.here


def wait(command: AnyCommand) -> AnyCommand:
    """Add ``--wait`` and ``--no-wait``."""
    return click.option(
        "--wait/--no-wait",
        default=True,
        help="Watch the job until it is over, or return when it has begun.  [default: --wait]",
    )(command)


def job_name(command: AnyCommand) -> AnyCommand:
    """Add ``--job-name``."""
    return click.option(
        "--job-name",
        metavar="NAME",
        help="The whole name of the job, never used before.  [default: NAME-DATE-TIME]",
    )(command)


def hyphened(name: str | None) -> str | None:
    """Return a name as SageMaker takes it: ``_`` becomes ``-``, and that is said."""
    if name is None:
        return None
    from odyssey.jobs import job

    return job.hyphened(name)
