"""Lambda: functions of container images, which really run.

::

    control, aliases, permissions, urls, event_settings, concurrency, tags   records of `functions`
    invocations ── events, url_requests      an event, from whoever sends it
        environments ── environment          the machines, one for each event at work

The emulator of `odyssey.functions` runs in each machine, beside the function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odyssey.sandbox.lambda_.environments import Environments
    from odyssey.sandbox.sandbox import Sandbox


def services(sandbox: Sandbox, environments: Environments) -> list[Any]:
    """Return the services.

    Args:
        sandbox: The sandbox.
        environments: What runs functions.
    """
    from odyssey.sandbox.lambda_.aliases import Aliases
    from odyssey.sandbox.lambda_.concurrency import Concurrency
    from odyssey.sandbox.lambda_.control import Control
    from odyssey.sandbox.lambda_.event_settings import EventSettings
    from odyssey.sandbox.lambda_.events import Events
    from odyssey.sandbox.lambda_.invocations import Invocations
    from odyssey.sandbox.lambda_.permissions import Permissions
    from odyssey.sandbox.lambda_.tags import Tags
    from odyssey.sandbox.lambda_.urls import Urls

    return [
        Control(sandbox, environments),
        Aliases(sandbox),
        Permissions(sandbox),
        Urls(sandbox),
        EventSettings(sandbox),
        Concurrency(sandbox),
        Tags(sandbox),
        Invocations(sandbox, environments, Events(sandbox, environments)),
    ]
