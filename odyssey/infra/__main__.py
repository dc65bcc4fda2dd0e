"""The CDK app, as ``cdk.json`` runs it: ``python -m odyssey.infra``.

It makes the stacks of the app in the current folder: those of ``odyssey.toml`` itself and those of
each of its tables ``[env.NAME]``. The context key ``odyssey`` of the CDK, one JSON object, may say
otherwise::

    {"app": "examples/iris", "env": "prod", "flags": {"endpoint.instance_count": 2}}

``app`` is another folder; ``flags`` are values that come before all others, for the environment
``env`` alone. The app's own ``overrides.py`` comes last, and may change anything.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

from odyssey.errors import OdysseyError


def main() -> int:
    """Synthesize the app; return 0, or 2 where a setting is wrong."""
    # A short life, in which nearly all that is made is kept: collecting is a tenth of the time.
    gc.disable()
    # As an exception: jsii takes its temporary folder away on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if "JSII_NODE" not in os.environ:
        from odyssey.infra import toolkit

        # jsii would take the first Node on PATH, of any age.
        os.environ["JSII_NODE"] = toolkit.environment(os.environ)["JSII_NODE"]
    from odyssey.infra import app

    try:
        app.synthesize(Path.cwd())
    except OdysseyError as error:
        return _refuse(error.message, error.hint)
    except ValueError as error:
        return _refuse(str(error), None)
    return 0


def _refuse(message: str, hint: str | None) -> int:
    print(f"Error: {message}", file=sys.stderr)
    if hint:
        print(f"Hint: {hint}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
