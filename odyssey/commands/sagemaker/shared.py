"""The options that the group and its commands share; those of the command come first."""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import click

from odyssey import options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from odyssey.aws import Access
    from odyssey.config import Config
    from odyssey.options import AnyCommand

META = "odyssey.sagemaker"
"""Where click keeps the group's options for its commands."""


@dataclass(frozen=True)
class Here:
    """What the shared options say; None is not given.

    Args:
        folder: ``--app``.
        env: ``--env``.
        profile: ``--profile``.
        region: ``--region``.
        role: ``-r``.
        name: ``-n``.
        instance_count: ``-c``.
        instance_type: ``-in``.
    """

    folder: Path | None = None
    env: str | None = None
    profile: str | None = None
    region: str | None = None
    role: str | None = None
    name: str | None = None
    instance_count: int | None = None
    instance_type: str | None = None

    def under(self, group: Here) -> Here:
        """Return the same, with what the group says where the command says nothing."""
        missing = {
            each.name: getattr(group, each.name)
            for each in fields(self)
            if getattr(self, each.name) is None
        }
        return replace(self, **missing)

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

    def access(self, settings: Config) -> Access:
        """Return the way to AWS."""
        return options.way_to_aws(settings, self.profile)

    def again(self, settings: Config) -> str:
        """Return the options that lead to the same place again, for hints."""
        from odyssey.jobs import following

        return following.again(settings, self.profile)


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
_OPTIONS = {"role": _ROLE, "name": _NAME, "count": _COUNT, "type": _TYPE}


def of_group(command: AnyCommand) -> AnyCommand:
    """Add the options that the group takes for its commands."""
    for option in (_TYPE, _COUNT, _NAME, _ROLE):
        command = option(command)
    return options.access(command)


def keep(**given: Any) -> None:
    """Keep the group's options for its commands."""
    click.get_current_context().meta[META] = Here(**given)


def here(*names: str) -> Callable[[AnyCommand], AnyCommand]:
    """Add shared options to a command, which gets them as its first argument, a `Here`.

    Args:
        names: Which of ``role``, ``name``, ``count`` and ``type``; the others come with it.
    """

    def add(command: AnyCommand) -> AnyCommand:
        @functools.wraps(command)
        def run(**given: Any) -> Any:
            own = {each.name: given.pop(each.name, None) for each in fields(Here)}
            group = click.get_current_context().meta.get(META, Here())
            return command(Here(**own).under(group), **given)

        found: Any = run
        for name in reversed(names):
            found = _OPTIONS[name](found)
        added: AnyCommand = options.access(options.app(found))
        return added

    return add


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
