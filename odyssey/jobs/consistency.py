"""What has just been made, and is not yet seen everywhere in AWS."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from odyssey import aws
from odyssey.console import note
from odyssey.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0
"""Seconds until what is not seen is taken to be not there."""

PAUSE = 5.0
"""Seconds between two tries."""


def eventually(
    call: Callable[[], Any],
    *words: str,
    waiting_for: str,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:
    """Call again while AWS says that it does not see what has just been made.

    Args:
        call: The call.
        words: Parts of the message with which AWS refuses, in lower case.
        waiting_for: What is waited for, as a reader calls it.
        clock: Seconds that only grow.
        sleep: Waits for some seconds.

    Returns:
        What the call returns.

    Raises:
        AwsError: AWS refuses for another reason, or still after `PATIENCE`.
    """
    deadline = clock() + PATIENCE
    while True:
        try:
            with aws.explained():
                return call()
        except AwsError as error:
            message = error.message.lower()
            if not any(word in message for word in words) or clock() + PAUSE > deadline:
                raise
            note(f"  AWS does not see {waiting_for} yet; trying again in {PAUSE:.0f} s")
        sleep(PAUSE)
