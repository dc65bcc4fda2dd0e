"""Parameters of Systems Manager and keys of KMS."""

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

OF_KEYS = (
    "Description EnableKeyRotation Enabled KeyPolicy KeySpec KeyUsage MultiRegion Origin "
    "PendingWindowInDays Tags"
)


class Parameter(Handler):
    """A parameter."""

    type = "AWS::SSM::Parameter"
    attributes = ("Type", "Value")
    tags = "map"
    required = ("Type", "Value")

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        name = wanted.get("Name") or site.name(512)
        labels = tags.listed(wanted.get("Tags"))
        site.ask("ssm", "PutParameter", {**wanted, "Name": name, "Tags": labels})
        return site.begun(name)

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Give it another value; that has no part in its tags."""
        request = {key: wanted[key] for key in wanted if key != "Tags"}
        site.ask("ssm", "PutParameter", {**request, "Name": physical_id, "Overwrite": True})
        tags.change(site, "ssm", physical_id, old, wanted, ResourceType="Parameter")

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        site.ask("ssm", "DeleteParameter", Name=physical_id)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its type and value."""
        return {name: text(properties[name]) for name in self.attributes}


class Key(Handler):
    """A key."""

    type = "AWS::KMS::Key"
    attributes = ("Arn", "KeyId")
    tags = "list"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        known(self.type, wanted, OF_KEYS)
        names = ("Description", "KeySpec", "KeyUsage", "MultiRegion", "Origin")
        request = {key: wanted[key] for key in names if key in wanted}
        if "KeyPolicy" in wanted:
            request["Policy"] = wanted["KeyPolicy"]
        answer = site.ask("kms", "CreateKey", request, Tags=tags.listed(wanted.get("Tags"), "Tag"))
        key = site.begun(answer["KeyMetadata"]["KeyId"])
        self._switch(site, key, {}, wanted)
        return key

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Change its policy and its switches."""
        known(self.type, wanted, OF_KEYS)
        different = changed(old, wanted)
        if "KeyPolicy" in different:
            policy = {"KeyId": physical_id, "PolicyName": "default", "Policy": wanted["KeyPolicy"]}
            site.ask("kms", "PutKeyPolicy", policy)
        if "Description" in different:
            description = wanted.get("Description", "")
            site.ask("kms", "UpdateKeyDescription", KeyId=physical_id, Description=description)
        self._switch(site, physical_id, old, wanted)
        tags.change(site, "kms", physical_id, old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Let it be deleted, which takes its days."""
        days = properties.get("PendingWindowInDays", 30)
        site.ask("kms", "ScheduleKeyDeletion", KeyId=physical_id, PendingWindowInDays=days)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN and id."""
        return {
            "Arn": f"arn:aws:kms:{site.region}:{ACCOUNT}:key/{physical_id}",
            "KeyId": physical_id,
        }

    def _switch(self, site: Site, key: str, old: Properties, wanted: Properties) -> None:
        operations = {
            "EnableKeyRotation": ("EnableKeyRotation", "DisableKeyRotation", "false"),
            "Enabled": ("EnableKey", "DisableKey", "true"),
        }
        for name, (on, off, default) in operations.items():
            before, after = (text(each.get(name, default)) for each in (old, wanted))
            if before != after:
                site.ask("kms", on if after == "true" else off, KeyId=key)


class KeyAlias(Handler):
    """A name for a key."""

    type = "AWS::KMS::Alias"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        site.ask("kms", "CreateAlias", wanted)
        return site.begun(str(wanted["AliasName"]))

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Let it lead to another key."""
        site.ask("kms", "UpdateAlias", wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        site.ask("kms", "DeleteAlias", AliasName=physical_id)
