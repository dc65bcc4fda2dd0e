"""Lambda's functions, versions, aliases, URLs and permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT
from odyssey.sandbox.cloudformation.errors import ResourceError
from odyssey.sandbox.cloudformation.replacement import changed
from odyssey.sandbox.cloudformation.resources import tags
from odyssey.sandbox.cloudformation.resources.handler import Handler

if TYPE_CHECKING:
    from odyssey.sandbox.cloudformation.resources.handler import Properties
    from odyssey.sandbox.cloudformation.resources.site import Site

OF_CODE = {"Architectures", "Code"}
"""Properties of a function that are changed together with its code."""

OF_OTHERS = {"FunctionName", "PackageType", "ReservedConcurrentExecutions", "Tags"}
"""Properties that are no part of its configuration, as Lambda's requests have it."""

PROVISIONED = "ProvisionedConcurrencyConfig"

RESET: dict[str, Any] = {
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "ImageConfig": {},
    "MemorySize": 128,
    "Timeout": 3,
}
"""What a function has whose template has no such property any more."""


class Function(Handler):
    """A function."""

    type = "AWS::Lambda::Function"
    attributes = ("Arn",)
    tags = "list"
    required = ("Code",)

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        if "ZipFile" in wanted["Code"]:
            raise ResourceError("odyssey's sandbox does not know ZipFile of AWS::Lambda::Function")
        name = wanted.get("FunctionName") or site.name(64)
        request = {key: wanted[key] for key in wanted if key not in OF_OTHERS}
        labels = tags.pairs(wanted.get("Tags"))
        package = {key: wanted[key] for key in ("PackageType",) if key in wanted}
        request = {**_renamed(request), **package, "FunctionName": name, "Tags": labels}
        site.ask("lambda", "CreateFunction", request)
        site.begun(name)
        self._reserve(site, name, {}, wanted)
        return str(name)

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Change its code, its configuration and its tags."""
        different = {*changed(old, wanted)} - {"Tags"}
        if different & OF_CODE:
            request = {key: wanted[key] for key in ("Architectures",) if key in wanted}
            request.update(wanted["Code"])
            site.ask("lambda", "UpdateFunctionCode", request, FunctionName=physical_id)
        if different - OF_CODE - OF_OTHERS:
            left = {*OF_CODE, *OF_OTHERS}
            gone = {key: RESET[key] for key in RESET if key in old and key not in wanted}
            request = {key: wanted[key] for key in wanted if key not in left}
            request = {"FunctionName": physical_id, **gone, **_renamed(request)}
            site.ask("lambda", "UpdateFunctionConfiguration", request)
        self._reserve(site, physical_id, old, wanted)
        tags.change(site, "lambda", self._arn(site, physical_id), old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it, with its versions."""
        site.ask("lambda", "DeleteFunction", FunctionName=physical_id)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN."""
        return {"Arn": self._arn(site, physical_id)}

    def _reserve(self, site: Site, name: str, old: Properties, wanted: Properties) -> None:
        if "ReservedConcurrentExecutions" not in changed(old, wanted):
            return
        count = wanted.get("ReservedConcurrentExecutions")
        if count is None:
            site.ask("lambda", "DeleteFunctionConcurrency", FunctionName=name)
        else:
            request = {"FunctionName": name, "ReservedConcurrentExecutions": count}
            site.ask("lambda", "PutFunctionConcurrency", request)

    def _arn(self, site: Site, name: str) -> str:
        return f"arn:aws:lambda:{site.region}:{ACCOUNT}:function:{name}"


def _renamed(properties: Properties) -> dict[str, Any]:
    """Return properties by the names that Lambda's requests have for them."""
    names = {"KmsKeyArn": "KMSKeyArn"}
    return {names.get(key, key): value for key, value in properties.items()}


class Version(Handler):
    """A version of a function; it can never change."""

    type = "AWS::Lambda::Version"
    attributes = ("FunctionArn", "Version")

    def create(self, site: Site, wanted: Properties) -> str:
        """Publish it."""
        answer = site.ask("lambda", "PublishVersion", wanted)
        return site.begun(answer["FunctionArn"])

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        function, _, version = physical_id.rpartition(":")
        site.ask("lambda", "DeleteFunction", FunctionName=function, Qualifier=version)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN and number."""
        return {"FunctionArn": physical_id, "Version": physical_id.rpartition(":")[2]}


class Alias(Handler):
    """A name for a version."""

    type = "AWS::Lambda::Alias"
    attributes = ("AliasArn",)

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        physical_id = site.begun(site.ask("lambda", "CreateAlias", self._own(wanted))["AliasArn"])
        self._provision(site, {}, wanted)
        return physical_id

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Let it lead to another version, and change how many environments it keeps ready."""
        site.ask("lambda", "UpdateAlias", self._own(wanted))
        self._provision(site, old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        function, _, name = physical_id.rpartition(":")
        site.ask("lambda", "DeleteAlias", FunctionName=function, Name=name)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN."""
        return {"AliasArn": physical_id}

    def _own(self, wanted: Properties) -> dict[str, Any]:
        return {key: wanted[key] for key in wanted if key != PROVISIONED}

    def _provision(self, site: Site, old: Properties, wanted: Properties) -> None:
        if PROVISIONED not in changed(old, wanted):
            return
        which = {"FunctionName": wanted["FunctionName"], "Qualifier": wanted["Name"]}
        if PROVISIONED in wanted:
            site.ask("lambda", "PutProvisionedConcurrencyConfig", {**which, **wanted[PROVISIONED]})
        else:
            site.ask("lambda", "DeleteProvisionedConcurrencyConfig", which)


class Url(Handler):
    """The address of a function."""

    type = "AWS::Lambda::Url"
    attributes = ("FunctionArn", "FunctionUrl")
    required = ("TargetFunctionArn",)

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        answer = site.ask("lambda", "CreateFunctionUrlConfig", self._request(wanted))
        return site.begun(answer["FunctionArn"])

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Change it."""
        site.ask("lambda", "UpdateFunctionUrlConfig", self._request(wanted))

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        site.ask("lambda", "DeleteFunctionUrlConfig", self._which(properties))

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its address."""
        told = site.ask("lambda", "GetFunctionUrlConfig", self._which(properties))
        return {"FunctionArn": physical_id, "FunctionUrl": told["FunctionUrl"]}

    def _request(self, wanted: Properties) -> dict[str, Any]:
        request = dict(wanted)
        return {"FunctionName": request.pop("TargetFunctionArn"), **request}

    def _which(self, properties: Properties) -> dict[str, Any]:
        request = self._request(properties)
        return {key: request[key] for key in ("FunctionName", "Qualifier") if key in request}


class Permission(Handler):
    """Leave for somebody to call a function; it can never change."""

    type = "AWS::Lambda::Permission"
    attributes = ("Id",)
    required = ("FunctionName",)

    def create(self, site: Site, wanted: Properties) -> str:
        """Give it."""
        name = site.name(100)
        site.ask("lambda", "AddPermission", wanted, StatementId=name)
        return site.begun(name)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Take it back."""
        function = properties["FunctionName"]
        site.ask("lambda", "RemovePermission", FunctionName=function, StatementId=physical_id)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its id."""
        return {"Id": physical_id}


class EventInvokeConfig(Handler):
    """What becomes of a function's asynchronous calls."""

    type = "AWS::Lambda::EventInvokeConfig"
    required = ("FunctionName", "Qualifier")

    def create(self, site: Site, wanted: Properties) -> str:
        """Set it."""
        site.ask("lambda", "PutFunctionEventInvokeConfig", wanted)
        return site.begun(f"{wanted['FunctionName']}|{wanted['Qualifier']}")

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Set it anew."""
        site.ask("lambda", "PutFunctionEventInvokeConfig", wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Take it away."""
        request = {key: properties[key] for key in ("FunctionName", "Qualifier")}
        site.ask("lambda", "DeleteFunctionEventInvokeConfig", request)
