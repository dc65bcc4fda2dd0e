"""Options that a group and its commands share; those of the command come first."""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from odyssey import options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Self

    from odyssey.aws import Access
    from odyssey.config import Config
    from odyssey.options import AnyCommand


@dataclass(frozen=True)
class Here:
    """What the shared options say; None is not given.

    Args:
        folder: ``--app``.
        env: ``--env``.
        profile: ``--profile``.
        region: ``--region``.
    """

    folder: Path | None = None
    env: str | None = None
    profile: str | None = None
    region: str | None = None

    def under(self, group: Self) -> Self:
        """Return the same, with what the group says where the command says nothing."""
        missing = {
            each.name: getattr(group, each.name)
            for each in fields(self)
            if getattr(self, each.name) is None
        }
        return replace(self, **missing)

    def access(self, settings: Config) -> Access:
        """Return the way to AWS."""
        return options.way_to_aws(settings, self.profile)

    def again(self, settings: Config) -> str:
        """Return the options that lead to the same place again, for hints."""
        from odyssey.jobs import following

        return following.again(settings, self.profile)


AnyHere = TypeVar("AnyHere", bound=Here)


class Shared(Generic[AnyHere]):
    """The options of a group, for its commands.

    Args:
        kind: What has their values.
        decorators: What adds each option, by a name of its own.
    """

    def __init__(self, kind: type[AnyHere], decorators: Mapping[str, Callable[[Any], Any]]) -> None:
        """Nothing is kept yet."""
        self._kind = kind
        self._decorators = decorators

    def of_group(self, command: AnyCommand) -> AnyCommand:
        """Add the options that the group takes for its commands."""
        for decorator in reversed(list(self._decorators.values())):
            command = decorator(command)
        return options.access(command)

    def keep(self, **given: Any) -> None:
        """Keep the group's options for its commands."""
        click.get_current_context().meta[self._key] = self._kind(**given)

    def here(self, *names: str) -> Callable[[AnyCommand], AnyCommand]:
        """Add shared options to a command, which gets them as its first argument, a `Here`.

        Args:
            names: Which of the options; those that say where the app and AWS are come with it.
        """

        def add(command: AnyCommand) -> AnyCommand:
            @functools.wraps(command)
            def run(**given: Any) -> Any:
                own = {each.name: given.pop(each.name, None) for each in fields(self._kind)}
                group = click.get_current_context().meta.get(self._key, self._kind())
                return command(self._kind(**own).under(group), **given)

            found: Any = run
            for name in reversed(names):
                found = self._decorators[name](found)
            added: AnyCommand = options.access(options.app(found))
            return added

        return add

    @property
    def _key(self) -> str:
        """Where click keeps the options."""
        return self._kind.__module__
