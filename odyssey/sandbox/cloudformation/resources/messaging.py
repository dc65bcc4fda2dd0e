"""SNS's topics and subscriptions, SQS's queues, EventBridge's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT
from odyssey.sandbox.cloudformation.replacement import changed
from odyssey.sandbox.cloudformation.resources import tags
from odyssey.sandbox.cloudformation.resources.handler import Handler
from odyssey.sandbox.cloudformation.resources.requests import known, text

if TYPE_CHECKING:
    from odyssey.sandbox.cloudformation.resources.handler import Properties
    from odyssey.sandbox.cloudformation.resources.site import Site

OF_TOPICS = (
    "ContentBasedDeduplication DisplayName FifoTopic KmsMasterKeyId SignatureVersion TracingConfig"
)
OF_SUBSCRIPTIONS = (
    "DeliveryPolicy FilterPolicy FilterPolicyScope RawMessageDelivery RedrivePolicy "
    "SubscriptionRoleArn"
)
OF_QUEUES = (
    "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit "
    "KmsDataKeyReusePeriodSeconds KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod "
    "ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy SqsManagedSseEnabled "
    "VisibilityTimeout"
)
"""The properties that the services call attributes."""


class Topic(Handler):
    """A topic."""

    type = "AWS::SNS::Topic"
    attributes = ("TopicArn", "TopicName")
    tags = "list"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        known(self.type, wanted, f"{OF_TOPICS} Subscription Tags TopicName")
        name = wanted.get("TopicName") or site.name(256, end=_fifo(wanted, "FifoTopic"))
        request = {"Name": name, "Attributes": _attributes(wanted, OF_TOPICS)}
        answer = site.ask("sns", "CreateTopic", request, Tags=tags.listed(wanted.get("Tags")))
        arn = site.begun(answer["TopicArn"])
        for each in wanted.get("Subscription", []):
            site.ask("sns", "Subscribe", each, TopicArn=arn)
        return arn

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Set what has changed."""
        known(self.type, wanted, f"{OF_TOPICS} Subscription Tags TopicName")
        for name in changed(_attributes(old, OF_TOPICS), _attributes(wanted, OF_TOPICS)):
            value = text(wanted.get(name, ""))
            request = {"AttributeName": name, "AttributeValue": value}
            site.ask("sns", "SetTopicAttributes", request, TopicArn=physical_id)
        for each in wanted.get("Subscription", []):
            if each not in old.get("Subscription", []):
                site.ask("sns", "Subscribe", each, TopicArn=physical_id)
        tags.change(site, "sns", physical_id, old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        site.ask("sns", "DeleteTopic", TopicArn=physical_id)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN and name."""
        return {"TopicArn": physical_id, "TopicName": physical_id.rpartition(":")[2]}


class Subscription(Handler):
    """Somebody who hears of a topic."""

    type = "AWS::SNS::Subscription"
    attributes = ("Arn",)
    required = ("Endpoint", "Protocol", "TopicArn")

    def create(self, site: Site, wanted: Properties) -> str:
        """Subscribe."""
        known(self.type, wanted, f"{OF_SUBSCRIPTIONS} Endpoint Protocol TopicArn")
        request = {key: wanted[key] for key in ("Endpoint", "Protocol", "TopicArn")}
        request["Attributes"] = _attributes(wanted, OF_SUBSCRIPTIONS)
        answer = site.ask("sns", "Subscribe", request, ReturnSubscriptionArn=True)
        return site.begun(answer["SubscriptionArn"])

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Set what has changed."""
        known(self.type, wanted, f"{OF_SUBSCRIPTIONS} Endpoint Protocol TopicArn")
        for name in changed(old, wanted):
            value = text(wanted.get(name, ""))
            request = {"AttributeName": name, "AttributeValue": value}
            site.ask("sns", "SetSubscriptionAttributes", request, SubscriptionArn=physical_id)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Unsubscribe."""
        site.ask("sns", "Unsubscribe", SubscriptionArn=physical_id)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN."""
        return {"Arn": physical_id}


class Queue(Handler):
    """A queue."""

    type = "AWS::SQS::Queue"
    attributes = ("Arn", "QueueName", "QueueUrl")
    tags = "list"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        known(self.type, wanted, f"{OF_QUEUES} QueueName Tags")
        name = wanted.get("QueueName") or site.name(80, end=_fifo(wanted, "FifoQueue"))
        request = {"QueueName": name, "Attributes": _attributes(wanted, OF_QUEUES)}
        answer = site.ask("sqs", "CreateQueue", request, tags=tags.pairs(wanted.get("Tags")))
        return site.begun(answer["QueueUrl"])

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Set what has changed."""
        known(self.type, wanted, f"{OF_QUEUES} QueueName Tags")
        before, after = _attributes(old, OF_QUEUES), _attributes(wanted, OF_QUEUES)
        request = {name: after.get(name, "") for name in changed(before, after)}
        if request:
            site.ask("sqs", "SetQueueAttributes", QueueUrl=physical_id, Attributes=request)
        tags.change(site, "sqs", physical_id, old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        site.ask("sqs", "DeleteQueue", QueueUrl=physical_id)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN and name."""
        name = physical_id.rpartition("/")[2]
        arn = f"arn:aws:sqs:{site.region}:{ACCOUNT}:{name}"
        return {"Arn": arn, "QueueName": name, "QueueUrl": physical_id}


class Rule(Handler):
    """A rule of events."""

    type = "AWS::Events::Rule"
    attributes = ("Arn",)
    tags = "list"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it, with its targets."""
        name = wanted.get("Name") or site.name(64)
        self._put(site, name, wanted, Tags=tags.listed(wanted.get("Tags")))
        site.begun(name)
        self._aim(site, name, {}, wanted)
        return str(name)

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Write it anew, with its targets."""
        self._put(site, physical_id, wanted)
        self._aim(site, physical_id, old, wanted)
        tags.change(site, "events", self._arn(site, physical_id, wanted), old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it, with its targets."""
        self._aim(site, physical_id, properties, _bus(properties))
        site.ask("events", "DeleteRule", _bus(properties), Name=physical_id)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN."""
        return {"Arn": self._arn(site, physical_id, properties)}

    def _put(self, site: Site, name: str, wanted: Properties, **more: Any) -> None:
        request = {key: wanted[key] for key in wanted if key not in ("Name", "Tags", "Targets")}
        site.ask("events", "PutRule", request, Name=name, **more)

    def _aim(self, site: Site, name: str, old: Properties, wanted: Properties) -> None:
        before, after = (
            {each["Id"]: each for each in properties.get("Targets", [])}
            for properties in (old, wanted)
        )
        gone = sorted(set(before) - set(after))
        if gone:
            site.ask("events", "RemoveTargets", _bus(wanted), Rule=name, Ids=gone)
        if after:
            targets = [*after.values()]
            site.ask("events", "PutTargets", _bus(wanted), Rule=name, Targets=targets)

    def _arn(self, site: Site, name: str, properties: Properties) -> str:
        bus = str(properties.get("EventBusName", "default")).rpartition("/")[2]
        where = "" if bus == "default" else f"{bus}/"
        return f"arn:aws:events:{site.region}:{ACCOUNT}:rule/{where}{name}"


def _attributes(wanted: Properties, names: str) -> dict[str, str]:
    return {name: text(wanted[name]) for name in names.split() if name in wanted}


def _fifo(wanted: Properties, name: str) -> str:
    return ".fifo" if text(wanted.get(name, False)) == "true" else ""


def _bus(properties: Properties) -> dict[str, Any]:
    return {key: properties[key] for key in ("EventBusName",) if key in properties}
