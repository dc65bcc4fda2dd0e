"""AWS: the region, the credentials, whose they are, and whether the clocks agree."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from odyssey import artifacts, aws
from odyssey.console import clean
from odyssey.credentials import ANYWHERE
from odyssey.doctor.result import FAIL, PASS, REFUSED, SKIP, WARN, Result
from odyssey.errors import AwsError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.doctor.result import Place

PATIENCE = {"connect_timeout": 2, "read_timeout": 4, "retries": {"total_max_attempts": 1}}
"""How AWS is asked: once, and not for long."""

UNEASY, REFUSES = 60.0, 300.0
"""Seconds by which a clock may differ: signatures are refused beyond five minutes.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

NO_NEED = "local, docker, synth, check and the sandbox work without"
SET_CLOCK = "let the system set it: sudo timedatectl set-ntp true"


def region(place: Place) -> list[Result]:
    """Look at whether a region is chosen, and at whether there is one of this name."""
    name = "region"
    try:
        chosen = place.access.region
    except AwsError as error:
        return [Result(name, WARN, f"{error.message}; {NO_NEED}", error.hint)]
    known = _regions(place)
    if chosen in known:
        return [Result(name, PASS, f"{chosen}{_where(place)}")]
    advice = did_you_mean(chosen, known)
    reason = f'"{clean(chosen)}" is none that the installed botocore knows{advice}'
    return [Result(name, WARN, reason, "pip install --upgrade boto3, or correct it")]


def identity(place: Place, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> list[Result]:
    """Look at the credentials, ask AWS whose they are, and compare the clocks by its answer.

    Args:
        place: Where odyssey is examined.
        now: The time here.
    """
    try:
        held = place.access.session.get_credentials()
    except AwsError as error:
        return [_refused(error.message, error.hint), _unasked("there are no credentials")]
    except Exception as error:  # botocore's own providers raise all kinds of things.
        return [_refused(clean(str(error)), aws.LOG_IN), _unasked("there are no credentials")]
    if held is None:
        reason = f"none were found; {NO_NEED}"
        return [
            Result("credentials", WARN, reason, aws.LOG_IN),
            _unasked("there are no credentials"),
        ]
    try:
        answer = _ask(place)
    except AwsError as error:
        return _of_error(error, held.method, now())
    told = Result("credentials", PASS, _whose(answer, held.method))
    return [_in_account(place, answer, told), _clock(answer, now())]


def _ask(place: Place) -> Mapping[str, Any]:
    with aws.explained():
        client = place.access.client("sts", _region_or_any(place), **PATIENCE)
        answer: Mapping[str, Any] = client.get_caller_identity()
        return answer


def _region_or_any(place: Place) -> str:
    try:
        return place.access.region
    except AwsError:
        return ANYWHERE


def _of_error(error: AwsError, method: str, now: datetime) -> list[Result]:
    answer = aws.answer(error)
    if not answer:  # Nobody answered: the network, and not the credentials.
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        told = f"found ({method}); AWS cannot be asked whose they are: {error.message}"
        mend = "look whether the sandbox runs: odyssey sandbox status" if endpoint else error.hint
        return [Result("credentials", WARN, told, mend), _unasked("AWS does not answer")]
    clock = _clock(answer, now)
    if clock.status == FAIL:
        return [Result("credentials", SKIP, "AWS refuses for the clock's sake"), clock]
    return [_refused(f"{error.message} (by {method})", error.hint), clock]


def _refused(message: str, hint: str | None) -> Result:
    return Result("credentials", FAIL, message, hint or aws.LOG_IN, REFUSED)


def _unasked(why: str) -> Result:
    return Result("clock", SKIP, f"not compared: {why}")


def _whose(answer: Mapping[str, Any], method: str) -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint and os.environ.get(artifacts.SANDBOX):
        return f"of the sandbox at {clean(endpoint)}: nothing of it is AWS"
    at = f", asked at AWS_ENDPOINT_URL {clean(_host(endpoint))}" if endpoint else ""
    return f"{answer['Arn']} (by {method}){at}"


def _host(url: str) -> str:
    return urlsplit(url).netloc or url


def _in_account(place: Place, answer: Mapping[str, Any], told: Result) -> Result:
    """Return the result, which fails where the app is for another account."""
    wanted = place.settings.aws.account if place.settings else ""
    found = str(answer["Account"])
    if not wanted or wanted == found or os.environ.get(artifacts.SANDBOX):
        return told
    reason = f"{told.reason}: of account {found}, and the app is for {wanted} (aws.account)"
    mend = "take a profile of that account with --profile NAME, or correct [aws] account"
    return Result("credentials", FAIL, reason, mend, REFUSED)


def _clock(answer: Mapping[str, Any], now: datetime) -> Result:
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        there = parsedate_to_datetime(headers["date"])
    except (KeyError, TypeError, ValueError):
        return _unasked("the answer has no time")
    if there.tzinfo is None:
        there = there.replace(tzinfo=UTC)
    seconds = (now - there).total_seconds()
    which = "ahead of" if seconds > 0 else "behind"
    if abs(seconds) < UNEASY:
        return Result("clock", PASS, f"within {UNEASY:.0f} s of AWS's")
    reason = f"{abs(seconds):,.0f} s {which} AWS's, which refuses beyond {REFUSES:.0f} s"
    return Result("clock", FAIL if abs(seconds) > REFUSES else WARN, reason, SET_CLOCK)


def _regions(place: Place) -> set[str]:
    """Return the regions that the installed botocore knows, of every partition."""
    session = place.access.session
    return {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("sagemaker", partition_name=partition)
    }


def _where(place: Place) -> str:
    if place.settings is not None and place.settings.aws.region:
        return f", of {place.settings.origin('aws.region')}"
    if place.access.chosen_region:
        return ", of --region"
    if os.environ.get("AWS_REGION"):
        return ", of AWS_REGION"
    return ", of the environment or the profile"
