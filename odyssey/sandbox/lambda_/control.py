"""Lambda's operations on functions and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.lambda_ import functions, images, pages, settings
from odyssey.sandbox.lambda_.functions import LATEST, Functions, invalid

if TYPE_CHECKING:
    from odyssey.sandbox.lambda_.environments import Environments
    from odyssey.sandbox.sandbox import Sandbox

CREATING = {
    "State": "Pending",
    "StateReason": "The function is being created.",
    "StateReasonCode": "Creating",
}
UPDATING = {
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}
"""What the answers say; whoever asks next is told that it is done."""


class Control:
    """The operations on functions and versions.

    Args:
        sandbox: The sandbox.
        environments: What runs them.
    """

    def __init__(self, sandbox: Sandbox, environments: Environments) -> None:
        """They are in the sandbox's store."""
        self._sandbox = sandbox
        self._environments = environments
        self._functions = Functions(sandbox.store)

    @operation("lambda", "CreateFunction")
    def create(self, call: Call) -> dict[str, Any]:
        """Make a function of an image."""
        said = call.parameters
        if said.get("PackageType") != "Image" or "ImageUri" not in said["Code"]:
            raise invalid("the sandbox runs functions of images: PackageType must be Image")
        _require_bare(call)
        wanted = settings.asked(self._sandbox, call)
        architectures = said.get("Architectures", ["x86_64"])
        image = self._resolved(call, said["Code"]["ImageUri"], architectures)
        version = {**settings.DEFAULTS, **wanted, "Version": LATEST}
        functions.changed(
            version, Architectures=architectures, Image=image._asdict(), Digest=image.digest
        )
        with self._functions.lock:
            function = self._functions.add(call, version)
            if said.get("Publish"):
                version = functions.published(function, None)
            told = functions.configuration(function, version)
        told.pop("LastUpdateStatus")
        return {**told, **CREATING}

    @operation("lambda", "GetFunction")
    def get(self, call: Call) -> dict[str, Any]:
        """Return a function or a version of it, and where its image is."""
        with self._functions.lock:
            function, qualifier = self._functions.find(call)
            version = functions.version_of(function, qualifier)
            image = version["Image"]
            code = {
                "RepositoryType": "ECR",
                "ImageUri": image["asked"],
                "ResolvedImageUri": image["uri"],
            }
            told = {
                "Configuration": functions.configuration(function, version, qualifier),
                "Code": code,
            }
            if function["tags"]:
                told["Tags"] = dict(function["tags"])
            if function["reserved"] is not None:
                told["Concurrency"] = {"ReservedConcurrentExecutions": function["reserved"]}
            return told

    @operation("lambda", "GetFunctionConfiguration")
    def get_configuration(self, call: Call) -> dict[str, Any]:
        """Return the configuration of a function or of a version of it."""
        told: dict[str, Any] = self.get(call)["Configuration"]
        return told

    @operation("lambda", "ListFunctions")
    def list(self, call: Call) -> dict[str, Any]:
        """Return all functions, page by page, with their versions where that is asked for."""
        is_all = call.parameters.get("FunctionVersion") == "ALL"
        with self._functions.lock:
            found = [
                functions.configuration(function, version, number if is_all else None)
                for (region, _), function in sorted(self._functions.table.items())
                for number, version in function["versions"].items()
                if region == call.region and (is_all or number == LATEST)
            ]
        return pages.page(call, found, "Functions")

    @operation("lambda", "UpdateFunctionCode")
    def update_code(self, call: Call) -> dict[str, Any]:
        """Give a function another image, or what a tag means now."""
        said = call.parameters
        if "ImageUri" not in said:
            raise invalid(
                "Please provide ImageUri when updating a function with packageType Image."
            )
        with self._functions.lock:
            function, _ = self._functions.version(call)
            latest = function["versions"][LATEST]
            functions.require_revision(said, latest)
            architectures = said.get("Architectures", latest["Architectures"])
        image = self._resolved(call, said["ImageUri"], architectures)
        new = {"Architectures": architectures, "Image": image._asdict(), "Digest": image.digest}
        with self._functions.lock:
            if said.get("DryRun"):
                latest = {**latest, **new}
            else:
                functions.changed(latest, **new)
            if said.get("Publish") and not said.get("DryRun"):
                latest = functions.published(function, None)
            told = functions.configuration(function, latest)
        self._environments.retire(call.region, function["FunctionName"])
        return {**told, **UPDATING}

    @operation("lambda", "UpdateFunctionConfiguration")
    def update_configuration(self, call: Call) -> dict[str, Any]:
        """Give a function other settings."""
        wanted = settings.asked(self._sandbox, call)
        with self._functions.lock:
            function, _ = self._functions.version(call)
            latest = function["versions"][LATEST]
            functions.require_revision(call.parameters, latest)
            functions.changed(latest, **wanted)
            told = functions.configuration(function, latest)
        self._environments.retire(call.region, function["FunctionName"])
        return {**told, **UPDATING}

    @operation("lambda", "DeleteFunction")
    def delete(self, call: Call) -> dict[str, Any]:
        """Forget a function, or a version of it, and end what runs of it."""
        with self._functions.lock:
            function, qualifier = self._functions.find(call)
            name = function["FunctionName"]
            if qualifier is None:
                del self._functions.table[call.region, name]
            else:
                _remove(function, qualifier)
        self._environments.retire(call.region, name)
        return {}

    @operation("lambda", "PublishVersion")
    def publish(self, call: Call) -> dict[str, Any]:
        """Keep what the function is now as a version."""
        said = call.parameters
        with self._functions.lock:
            function, _ = self._functions.version(call)
            latest = function["versions"][LATEST]
            functions.require_revision(said, latest)
            has = latest["Digest"].partition(":")[2]
            if said.get("CodeSha256", has) != has:
                raise invalid(
                    f"CodeSHA256 ({said['CodeSha256']}) is different from current CodeSHA256 in "
                    f"$LATEST ({has}). Please try again with the CodeSHA256 in $LATEST."
                )
            version = functions.published(function, said.get("Description"))
            return functions.configuration(function, version)

    @operation("lambda", "ListVersionsByFunction")
    def list_versions(self, call: Call) -> dict[str, Any]:
        """Return the versions of a function, page by page."""
        with self._functions.lock:
            function, _ = self._functions.find(call)
            found = [
                functions.configuration(function, version, number)
                for number, version in function["versions"].items()
            ]
        return pages.page(call, found, "Versions")

    def _resolved(self, call: Call, image: str, architectures: Any) -> images.Resolved:
        if len(architectures) != 1:
            raise invalid("Architectures must have exactly one entry")
        return images.resolved(self._sandbox, image, call.region, architectures[0])


def _require_bare(call: Call) -> None:
    if functions.named(call)[1] is not None:
        raise invalid("The function name of a new function has no qualifier")


def _remove(function: dict[str, Any], qualifier: str) -> None:
    """Forget a version.

    Raises:
        ServiceError: It is not there, or must stay.
    """
    if qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    if qualifier not in function["versions"]:
        raise functions.not_found(
            functions.arn(function["Region"], function["FunctionName"], qualifier)
        )
    leading = sorted(
        name
        for name, alias in function["aliases"].items()
        if qualifier
        in (
            alias["FunctionVersion"],
            *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
        )
    )
    if leading:
        told = f"Version {qualifier} is what these aliases lead to: {', '.join(leading)}"
        raise ServiceError("ResourceConflictException", told, 409)
    del function["versions"][qualifier]
