"""The way to AWS: whose credentials, which region, and what a refusal means.

The only module that imports boto3. What botocore raises becomes an `AwsError` here.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from odyssey.console import clean
from odyssey.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOG_IN = "odyssey configure, or aws sso login --profile NAME and --profile NAME"
CHOOSE_REGION = (
    "odyssey configure, or name it with --region REGION, or region under [aws] in odyssey.toml"
)
LOOK_AT_THE_NETWORK = "look at the network, at --region, and at AWS_ENDPOINT_URL if it is set"
ATTEMPTS = 8
"""Times that a request is tried while AWS throttles it."""

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

_CREDENTIALS = re.compile(
    "ExpiredToken|InvalidClientTokenId|InvalidAccessKeyId|UnrecognizedClient|InvalidSignature"
    "|SignatureDoesNotMatch"
    "|security token included in the request is|Unable to resolve AWS account"
    "|[Uu]nable to locate credentials|no credentials have been configured|SSO session"
    "|TokenRefreshRequired|AuthFailure"
)
_PERMISSION = re.compile(
    "AccessDenied|not authorized to perform|UnauthorizedOperation|Forbidden|implicit deny"
    "|Need to perform AWS calls for account"
)


class Clients(Protocol):
    """Makes clients of AWS's services."""

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client, such as ``client("cloudformation")``."""


@dataclass(frozen=True)
class Identity:
    """Who asks.

    Args:
        account: The account, twelve digits.
        arn: The user or the role.
    """

    account: str
    arn: str


@dataclass(frozen=True)
class Access:
    """Credentials and a region, for boto3 and for a child program alike.

    Args:
        profile: A profile of ``~/.aws/config``; None takes what AWS's own variables say.
        chosen_region: The region that was asked for; None takes that of the environment.

    Example:
        >>> Access("work", "eu-west-1").client("cloudformation").describe_stacks()
    """

    profile: str | None = None
    chosen_region: str | None = None

    @cached_property
    def session(self) -> Any:
        """The session of boto3.

        Raises:
            AwsError: There is no such profile.
        """
        import boto3

        with explained():
            return boto3.Session(profile_name=self.profile, region_name=self.chosen_region)

    @cached_property
    def region(self) -> str:
        """The region: the one asked for, else of AWS_REGION, else of the profile.

        Raises:
            AwsError: There is none.
        """
        # boto3 itself does not read AWS_REGION, which every other tool of AWS does.
        found = self.chosen_region or os.environ.get("AWS_REGION") or self.session.region_name
        if not found:
            raise AwsError("no region is chosen", CHOOSE_REGION)
        return str(found)

    def client(self, service: str, region: str | None = None, **options: Any) -> Any:
        """Return a client that waits and tries again while AWS throttles it.

        Args:
            service: The service as boto3 calls it.
            region: The region. Default: that of this access.
            options: What is otherwise than usual, as `botocore.config.Config` takes it.
        """
        from botocore.config import Config

        usual = {"retries": {"mode": "standard", "max_attempts": ATTEMPTS}}
        config = Config(**{**usual, **options})
        with explained():
            return self.session.client(service, region_name=region or self.region, config=config)

    def identity(self) -> Identity:
        """Ask AWS whose credentials these are.

        Raises:
            AwsError: There are none, or AWS does not take them.
        """
        with explained():
            answer = self.client("sts").get_caller_identity()
        return Identity(str(answer["Account"]), str(answer["Arn"]))

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return a child program's variables, with these credentials and this region."""
        ours = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        if self.profile is None:
            return {**environ, **ours}
        # Keys in variables would win over a profile, which was asked for by name.
        kept = {name: value for name, value in environ.items() if name not in KEYS}
        return {**kept, **ours, "AWS_PROFILE": self.profile}


@dataclass(frozen=True)
class Keys:
    """Credentials themselves; they are not shown where this is.

    Args:
        access: The access key's id.
        secret: The secret access key.
        token: The session token, which temporary keys have.
    """

    access: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    def identity(self, region: str) -> Identity:
        """Ask AWS whose keys these are, whatever variables and profiles say.

        Args:
            region: Where to ask.

        Raises:
            AwsError: AWS does not take them, or cannot be reached.
        """
        from botocore.config import Config
        from botocore.session import Session

        quick = Config(retries={"mode": "standard", "max_attempts": 2}, connect_timeout=10)
        # Without the variables that name a profile: it may be the one that is being made.
        session = Session(session_vars={"profile": (None, None, None, None)})
        session.set_credentials(self.access, self.secret, self.token)
        with explained():
            client = session.create_client("sts", region_name=region, config=quick)
            answer = client.get_caller_identity()
        return Identity(str(answer["Account"]), str(answer["Arn"]))


@contextmanager
def explained() -> Iterator[None]:
    """Turn what botocore raises within a ``with`` block into an `AwsError`."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise _refused(error.response, error.operation_name) from error
    except BotoCoreError as error:
        raise refusal(str(error), _advice_for(type(error).__name__)) from error
    except ResponseParserError as error:
        what = str(error).partition("\n")[0]
        raise AwsError(f"what answered is not AWS: {clean(what)}", LOOK_AT_THE_NETWORK) from error


def answer(error: AwsError) -> Mapping[str, Any]:
    """Return what AWS answered when it refused; empty where no answer came.

    Args:
        error: What `explained` has raised.
    """
    # An error of the network has the member too, and nothing in it.
    return getattr(error.__cause__, "response", None) or {}


def is_refusal(text: str) -> bool:
    """Return whether a message of AWS's, or of a tool's, means credentials or permissions."""
    return bool(_CREDENTIALS.search(text) or _PERMISSION.search(text))


def refusal(text: str, hint: str | None = None) -> AwsError:
    """Return the error for such a message, with what to do about it.

    Args:
        text: The message.
        hint: What to do where the message itself does not tell.
    """
    if _CREDENTIALS.search(text):
        return AwsError(f"AWS does not take the credentials: {clean(text)}", LOG_IN)
    if _PERMISSION.search(text):
        hint = "aws sts get-caller-identity shows who asks; that user or role needs the permission"
    return AwsError(clean(text), hint)


def _refused(response: Mapping[str, Any], operation: str) -> AwsError:
    told = response.get("Error", {})
    code, message = told.get("Code", "Unknown"), told.get("Message", "")
    return refusal(f"{operation}: {code}: {message}".rstrip(": "))


def _advice_for(kind: str) -> str | None:
    """Return what to do about an exception of botocore by its class."""
    if "Credential" in kind or "SSO" in kind or "Token" in kind:
        return LOG_IN
    if kind == "ProfileNotFound":
        return "aws configure list-profiles"
    if "Connect" in kind or "Timeout" in kind:
        return LOOK_AT_THE_NETWORK
    return CHOOSE_REGION if kind in {"NoRegionError", "InvalidRegionError"} else None
