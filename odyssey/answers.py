"""What a person says of a profile: on the command line, on stdin, or when asked."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import click

from odyssey import console, rules
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCESS, SECRET, TOKEN = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"  # noqa: S105
OTHER_WAYS = ("role_arn", "sso_session", "sso_start_url", "credential_process")
"""Keys of ``~/.aws/config`` that say where credentials come from, before the file of keys does."""

OUTPUTS = ("json", "yaml", "yaml-stream", "text", "table")
"""What the AWS CLI can print.

Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-output-format.html
"""

STDIN = "-"
TEMPORARY = "ASIA"
"""How the id of a temporary key begins, which is good for nothing without its session token.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
"""

_ACCESS = re.compile(r"\w{16,128}", re.ASCII)
_SECRET = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Wanted:
    """What a profile is to have; None keeps what it has.

    Args:
        access_key: The access key's id.
        secret_key: The secret access key; ``-`` is a line of stdin.
        session_token: The session token; ``-`` is a line of stdin.
        region: The region.
        output_format: What the AWS CLI prints.
    """

    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None
    output_format: str | None = None


def complete(given: Wanted, keys: Mapping[str, str], settings: Mapping[str, str]) -> Wanted:
    """Return what is given together with what stdin and a person say.

    Args:
        given: What is given on the command line.
        keys: What the file of keys says of the profile.
        settings: What the other file says of it.

    Raises:
        UsageError: A value is wrong, or is missing and nobody is there to ask.
    """
    found = _checked(_complete(_from_stdin(given), keys, settings))
    if found.access_key and not found.secret_key and SECRET not in keys:
        raise UsageError("an access key's id is of no use without its secret access key")
    if found.secret_key and not found.access_key and ACCESS not in keys:
        raise UsageError("a secret access key is of no use without its access key's id")
    if _needs_token(found):
        raise UsageError(f"a key that begins with {TEMPORARY} is of no use without session token")
    return found


def _from_stdin(given: Wanted) -> Wanted:
    """Read the values that are a line of stdin; at a terminal they are asked for instead."""
    found = given
    for name in ("secret_key", "session_token"):
        if getattr(given, name) == STDIN:
            line = None if console.can_prompt() else sys.stdin.readline().strip()
            found = replace(found, **{name: line})
    return found


def _complete(given: Wanted, keys: Mapping[str, str], settings: Mapping[str, str]) -> Wanted:
    if console.can_prompt():
        return _asked(given, keys, settings)
    missing = None
    has_others = any(key in settings for key in OTHER_WAYS)
    if given.access_key is None and (given.secret_key or not (ACCESS in keys or has_others)):
        missing = "--access-key"
    elif given.access_key is not None and given.secret_key is None:
        missing = "--secret-key"
    elif _needs_token(given):
        missing = "--session-token"
    elif given == Wanted():
        missing = "what to change, such as --region"
    if missing:
        raise UsageError(
            f"nobody is there to ask, and {missing} is not given",
            "odyssey configure --access-key ID --secret-key - reads the secret from stdin",
        )
    return given


def _asked(given: Wanted, keys: Mapping[str, str], settings: Mapping[str, str]) -> Wanted:
    """Ask a person for what is not given; an empty answer keeps what there is."""
    found = given
    if found.access_key is None:
        answer = _ask("AWS Access Key ID", masked(keys.get(ACCESS)))
        found = replace(found, access_key=answer)
    if found.secret_key is None:
        answer = _ask("AWS Secret Access Key", masked(keys.get(SECRET)), hidden=True)
        found = replace(found, secret_key=answer)
    if _needs_token(found):
        found = replace(found, session_token=_ask("AWS Session Token", None, hidden=True))
    if found.region is None:
        found = replace(found, region=_ask("Default region name", settings.get("region")))
    if found.output_format is None:
        answer = _ask("Default output format", settings.get("output"))
        found = replace(found, output_format=answer)
    return found


def _ask(question: str, current: str | None, *, hidden: bool = False) -> str | None:
    text = f"{question} [{console.clean(current or 'None')}]"
    answer = click.prompt(text, default="", show_default=False, hide_input=hidden, err=True)
    return str(answer).strip() or None


def masked(value: str | None) -> str | None:
    """Return a key with but its last four characters to be seen, and those of a short one not.

    Example:
        >>> masked("AKIAIOSFODNN7EXAMPLE")
        '****************MPLE'
    """
    if value is None:
        return None
    return "*" * 16 + (value[-4:] if len(value) >= 16 else "")


def _needs_token(wanted: Wanted) -> bool:
    return bool((wanted.access_key or "").startswith(TEMPORARY) and not wanted.session_token)


def _checked(wanted: Wanted) -> Wanted:
    """Return what is wanted when AWS can take it; a secret is not shown."""
    access, output = wanted.access_key, wanted.output_format
    if access is not None and not _ACCESS.fullmatch(access):
        # It may be the secret, put in the wrong place: it is not shown.
        raise UsageError(
            "an access key's id has 16 to 128 letters and digits, such as AKIAIOSFODNN7EXAMPLE; "
            f"what was given has {len(access)} characters, or others among them"
        )
    for name in ("secret_key", "session_token"):
        value = getattr(wanted, name)
        if value is not None and not _SECRET.fullmatch(value):
            what = "is empty" if not value else "has a space, or what is no ASCII, in it"
            raise UsageError(f"the {name.replace('_', ' ')} {what}, which no key of AWS has")
    if problem := rules.region(wanted.region or ""):
        raise UsageError(f'the region "{console.clean(wanted.region or "")}" {problem}')
    if output is not None and output not in OUTPUTS:
        known = ", ".join(OUTPUTS)
        raise UsageError(f'the output format "{console.clean(output)}" is none of {known}')
    return wanted
