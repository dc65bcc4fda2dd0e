"""An AWS of moto's whose ECR is a real registry, run as `python -m tests.e2e.cloud REGISTRY`.

moto's ECR only keeps names: here a repository's address and the password lead to the registry, so
that a push really arrives. It prints its port and runs until it is killed.
"""

from __future__ import annotations

import sys
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.ecr import models, responses
from moto.server import ThreadedMotoServer

from tests.e2e.registry import PASSWORD, USER


def lead_to(registry: str) -> None:
    """Have moto's ECR answer with a registry's address and password."""
    make = models.Repository.__init__

    def init(self: Any, *words: Any, **named: Any) -> None:
        make(self, *words, **named)
        self.uri = f"{registry}/{self.name}"

    def token(self: Any) -> ActionResult:
        data = {
            "authorizationToken": b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
            "expiresAt": datetime.now(UTC) + timedelta(hours=12),
            "proxyEndpoint": f"http://{registry}",
        }
        return ActionResult({"authorizationData": [data]})

    models.Repository.__init__ = init  # type: ignore[method-assign]
    responses.ECRResponse.get_authorization_token = token  # type: ignore[method-assign]


if __name__ == "__main__":
    lead_to(sys.argv[1])
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    time.sleep(1e6)
