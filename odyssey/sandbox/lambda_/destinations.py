"""Where it can be sent what became of events: queues, topics and functions."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from odyssey.sandbox.lambda_.functions import invalid

if TYPE_CHECKING:
    from odyssey.sandbox.sandbox import Sandbox

KINDS = ("lambda", "sns", "sqs")

log = logging.getLogger("odyssey.sandbox")


def require(target: str) -> None:
    """Return if something can be sent to a destination.

    Raises:
        ServiceError: The sandbox cannot.
    """
    parts = target.split(":")
    if len(parts) < 6 or parts[2] not in KINDS:
        raise invalid(f"the sandbox sends to queues, topics and functions, not to {target}")


def send(sandbox: Sandbox, region: str, role: str, target: str, body: str) -> None:
    """Send something; what cannot be sent is told in the sandbox's log, as nobody waits for it.

    Args:
        sandbox: The sandbox.
        region: Where it is sent from.
        role: The ARN of the role that sends.
        target: The ARN of the destination.
        body: The text.
    """
    kind, name = target.split(":")[2], target.rpartition(":")[2]
    client = sandbox.clients.client(kind, region, role)
    try:
        if kind == "sqs":
            url = client.get_queue_url(QueueName=name)["QueueUrl"]
            client.send_message(QueueUrl=url, MessageBody=body)
        elif kind == "sns":
            client.publish(TopicArn=target, Message=body)
        else:
            client.invoke(FunctionName=target, InvocationType="Event", Payload=body.encode())
    except Exception as error:
        log.warning("nothing was sent to %s: %s", target, error)
