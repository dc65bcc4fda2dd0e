"""The user's keys, on their way into AWS's own files of profiles."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey import answers, aws, console
from odyssey.answers import ACCESS, OTHER_WAYS, SECRET, TOKEN
from odyssey.aws import Keys
from odyssey.errors import AwsError, UsageError
from odyssey.profiles import ProfileFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.answers import Wanted
    from odyssey.aws import Identity

ANYWHERE = "us-east-1"
"""Where keys are verified when no region is known."""

_PROFILE = re.compile(r"""[^\s\[\]"'\\]([^\[\]"'\\]*[^\s\[\]"'\\])?""")


@dataclass(frozen=True)
class Configured:
    """A profile that was written.

    Args:
        profile: Its name.
        files: The files that were written.
        region: Its region, or None.
        identity: Whose keys they are; None where AWS was not asked.
    """

    profile: str
    files: tuple[Path, ...]
    region: str | None
    identity: Identity | None

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it; there is no key in it."""
        return {
            "profile": self.profile,
            "files": [str(path) for path in self.files],
            "account": self.identity.account if self.identity else None,
            "arn": self.identity.arn if self.identity else None,
            "region": self.region,
            "verified": self.identity is not None,
        }

    def text(self) -> str:
        """Return it for a reader: whose keys they are, and where."""
        who = f"account {self.identity.account}, {self.identity.arn}" if self.identity else ""
        known = [who or "not verified", self.region or "no region"]
        return f"Profile {self.profile}: {', '.join(known)}"


@dataclass(frozen=True)
class Profile:
    """A profile in AWS's two files.

    Args:
        name: Its name.
        credentials: The file of keys.
        config: The file of everything else.

    Raises:
        UsageError: No profile can have this name.
    """

    name: str
    credentials: ProfileFile
    config: ProfileFile

    def __post_init__(self) -> None:
        """Check the name: it becomes the header of a section."""
        good = _PROFILE.fullmatch(self.name) and self.name.isprintable()
        if not good or self.name == "DEFAULT":
            raise UsageError(
                f'"{console.clean(self.name)}" cannot be the name of a profile: brackets, quotes, '
                "backslashes and spaces around it are not taken, nor is DEFAULT"
            )

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """What the file of keys says of it."""
        return self.credentials.values(self.name)

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """What the other file says of it."""
        return self.config.values(self.name)


def find(name: str | None) -> Profile:
    """Return a profile, which need not be there yet.

    Args:
        name: Its name. Default: ``$AWS_PROFILE``, or ``default``.

    Raises:
        UsageError: No profile can have this name.
    """
    return Profile(
        name or os.environ.get("AWS_PROFILE") or "default",
        ProfileFile(_path("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")),
        ProfileFile(_path("AWS_CONFIG_FILE", "~/.aws/config"), "profile"),
    )


def configure(profile: Profile, given: Wanted, *, verify: bool = True) -> Configured:
    """Set up a profile, as ``aws configure`` does, with what is given and what a person answers.

    AWS is asked whose keys they are first, and nothing is written unless it takes them.

    Args:
        profile: The profile.
        given: What is given; a person is asked for the rest.
        verify: Whether to ask AWS.

    Raises:
        UsageError: A value is wrong, or is missing and nobody is there to ask.
        ConfigError: The SDK could not read one of the files.
        AwsError: AWS does not take the keys, or cannot be reached.
        OdysseyError: A file cannot be written.
    """
    wanted = answers.complete(given, profile.keys, profile.settings)
    keys, others = _changes(profile, wanted)
    profile.credentials.edited(profile.name, keys)
    profile.config.edited(profile.name, others)
    region = others.get("region") or profile.settings.get("region")
    whose = _verified({**profile.keys, **keys}, region) if verify else None
    files = []
    for file, changes in ((profile.credentials, keys), (profile.config, others)):
        if changes:
            file.edit(profile.name, changes)
            files.append(file.path)
    _warn(profile, keys)
    return Configured(profile.name, tuple(files), region, whose)


def _path(variable: str, default: str) -> Path:
    return Path(os.path.expandvars(os.environ.get(variable) or default)).expanduser()


def _changes(
    profile: Profile, wanted: Wanted
) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Return what changes in the file of keys, and in the other."""
    keys: dict[str, str | None] = {}
    given = {ACCESS: wanted.access_key, SECRET: wanted.secret_key, TOKEN: wanted.session_token}
    keys |= {key: value for key, value in given.items() if value}
    is_new = bool(wanted.access_key or wanted.secret_key)
    if is_new and not wanted.session_token and TOKEN in profile.keys:
        keys[TOKEN] = None  # It belongs to the keys that were there.
    others = {"region": wanted.region, "output": wanted.output_format}
    return keys, {key: value for key, value in others.items() if value}


def _verified(found: Mapping[str, str | None], region: str | None) -> Identity | None:
    access, secret = found.get(ACCESS), found.get(SECRET)
    if not access or not secret:
        return None  # It is a profile of a role or of SSO: there are no keys to ask about.
    where = region or os.environ.get("AWS_REGION") or ANYWHERE
    try:
        return Keys(access, secret, found.get(TOKEN)).identity(where)
    except AwsError as error:
        if error.hint == aws.LOOK_AT_THE_NETWORK:
            why = f"AWS cannot be asked whose keys these are: {error.message}"
            raise AwsError(
                f"{why}; nothing was written", "--no-verify writes them without asking"
            ) from error
        if error.hint != aws.LOG_IN:
            raise
        raise AwsError(
            f"{error.message}; nothing was written",
            "type both keys once more, or make new ones in the console: IAM, Users, Security "
            "credentials",
        ) from error


def _warn(profile: Profile, keys: Mapping[str, str | None]) -> None:
    if TOKEN in keys and keys[TOKEN] is None:
        console.note("The session token of the former keys was removed: it is not for these")
    other = next((key for key in OTHER_WAYS if key in profile.settings), None)
    if keys and other:
        console.warn(
            f"{other} of the profile {profile.name} in {profile.config.path} goes before its keys"
        )
    variables = [name for name in aws.KEYS if os.environ.get(name)]
    if variables:
        console.warn(
            f"{' and '.join(variables)} in the environment win over the profile: unset them, "
            f"or name it with --profile {profile.name}"
        )
