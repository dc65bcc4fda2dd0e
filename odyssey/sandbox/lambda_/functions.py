"""Lambda's functions as the store has them: names, versions, and what is told of each."""

from __future__ import annotations

import copy
import random
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from odyssey.sandbox.calls import ACCOUNT, Call, ServiceError

if TYPE_CHECKING:
    from odyssey.sandbox.store import Store, Table

    Record = dict[str, Any]

TABLE = "lambda-functions"
LATEST = "$LATEST"

SERVICE = "lambda.amazonaws.com"
"""How roles name Lambda in the policies that say whom they trust."""

TOLD = (
    "Role",
    "Description",
    "Timeout",
    "MemorySize",
    "LastModified",
    "Version",
    "RevisionId",
    "Environment",
    "TracingConfig",
    "Architectures",
    "EphemeralStorage",
    "VpcConfig",
    "KMSKeyArn",
    "DeadLetterConfig",
)
"""What a version's configuration tells as the version has it."""


class Found(NamedTuple):
    """What a request names.

    Args:
        function: The function's record.
        qualifier: What stands behind its name; None for nothing.
    """

    function: Record
    qualifier: str | None


class Functions:
    """The records of functions; whoever looks at one or changes it holds the store's lock.

    A record has its ``versions`` by their names, of which ``$LATEST`` is one, its ``aliases``, and,
    by the qualifier that they are for, its ``policies``, ``urls``, ``events`` and ``provisioned``.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: Store) -> None:
        """They are there already, or not."""
        self._store = store
        self.lock = store.lock

    @property
    def table(self) -> Table:
        """All of them."""
        return self._store.table(TABLE)

    def add(self, call: Call, version: Record) -> Record:
        """Make the record of a new function.

        Raises:
            ServiceError: There is one of that name.
        """
        name, _ = named(call)
        if (call.region, name) in self.table:
            told = f"Function already exist: {name}"
            raise ServiceError("ResourceConflictException", told, 409)
        record: Record = {
            "FunctionName": name,
            "Region": call.region,
            "CreationTime": datetime.now(UTC),
            "versions": {LATEST: version},
            "last": 0,
            "published": None,
            "tags": dict(call.parameters.get("Tags", {})),
            "reserved": None,
            **{kind: {} for kind in ("aliases", "policies", "urls", "events", "provisioned")},
        }
        self.table[call.region, name] = record
        return record

    def find(self, call: Call) -> Found:
        """Return what a request names by its FunctionName and its Qualifier.

        Raises:
            ServiceError: There is no such function.
        """
        name, qualifier = named(call)
        found = self.table.get((call.region, name))
        if found is None:
            raise not_found(arn(call.region, name, qualifier))
        return Found(found, qualifier)

    def version(self, call: Call) -> tuple[Record, Record]:
        """Return the function that a request names, and the version that is meant.

        Raises:
            ServiceError: There is no such function, version or alias.
        """
        function, qualifier = self.find(call)
        return function, version_of(function, qualifier)


def named(call: Call) -> tuple[str, str | None]:
    """Return the name of the function that a request is about, and the qualifier.

    Raises:
        ServiceError: The two members that may have a qualifier have two, or the name is of another
            region.
    """
    said = str(call.parameters["FunctionName"])
    parts = said.split(":")
    if parts[0] == "arn" and len(parts) > 3 and parts[3] != call.region:
        raise ServiceError(
            "ResourceNotFoundException",
            f"Functions from '{parts[3]}' are not reachable in this region ('{call.region}')",
            404,
        )
    if "function" in parts[:-1]:
        parts = parts[parts.index("function") + 1 :]
    name, within = parts[0], parts[1] if len(parts) > 1 else None
    asked = call.parameters.get("Qualifier")
    if within and asked and within != asked:
        raise invalid(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return name, asked or within


def version_of(function: Record, qualifier: str | None) -> Record:
    """Return the version that a qualifier leads to; an alias of two chooses one by its weights.

    Raises:
        ServiceError: There is no such version or alias.
    """
    versions: dict[str, Record] = function["versions"]
    number = qualifier or LATEST
    alias = function["aliases"].get(number)
    if alias is not None:
        number = alias["FunctionVersion"]
        for other, weight in (
            alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}).items()
        ):
            if random.random() < weight:  # noqa: S311 - no secret
                number = other
    if number not in versions:
        raise not_found(arn(function["Region"], function["FunctionName"], qualifier))
    return versions[number]


def changed(version: Record, **members: Any) -> None:
    """Change a version, which has another revision from then on."""
    version.update(members, LastModified=now(), RevisionId=str(uuid.uuid4()))


def published(function: Record, description: str | None) -> Record:
    """Return a new version that is what ``$LATEST`` is now; the last where nothing has changed."""
    latest: Record = function["versions"][LATEST]
    last = str(function["last"])
    versions: dict[str, Record] = function["versions"]
    if function["published"] == latest["RevisionId"] and last in versions:
        return versions[last]
    function["last"] += 1
    made = copy.deepcopy(latest)
    made.update(Version=str(function["last"]), RevisionId=str(uuid.uuid4()))
    if description is not None:
        made["Description"] = description
    versions[made["Version"]] = made
    function["published"] = latest["RevisionId"]
    return made


def configuration(function: Record, version: Record, qualifier: str | None = None) -> Record:
    """Return what AWS tells of a version.

    Args:
        function: The function's record.
        version: The version.
        qualifier: By what it was asked for; its ARN has that.
    """
    name = function["FunctionName"]
    number = version["Version"]
    image = {"ImageConfigResponse": {"ImageConfig": version["ImageConfig"]}}
    return {
        "FunctionName": name,
        "FunctionArn": arn(
            function["Region"], name, qualifier or (number if number != LATEST else None)
        ),
        **{member: version[member] for member in TOLD if version.get(member) is not None},
        **(image if version["ImageConfig"] else {}),
        "CodeSize": 0,
        "CodeSha256": version["Digest"].partition(":")[2],
        "PackageType": "Image",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": logging(name, version),
    }


def logging(name: str, version: Record) -> Record:
    """Return how and where a version logs."""
    return {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}", **version["LoggingConfig"]}


def require_revision(asked: Any, version: Record) -> None:
    """Return if a request does not want another revision than there is.

    Raises:
        ServiceError: It does.
    """
    if asked.get("RevisionId", version["RevisionId"]) != version["RevisionId"]:
        raise ServiceError(
            "PreconditionFailedException",
            "The RevisionId provided does not match the latest RevisionId for the Lambda function "
            "or alias. Call the GetFunction or the GetAlias API to retrieve the latest RevisionId "
            "for your resource.",
            412,
        )


def arn(region: str, name: str, qualifier: str | None = None) -> str:
    """Return the ARN of a function, or of a version or an alias of it."""
    end = f":{qualifier}" if qualifier else ""
    return f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}{end}"


def now() -> str:
    """Return the time as Lambda writes it."""
    return f"{datetime.now(UTC).isoformat(timespec='milliseconds')[:23]}+0000"


def not_found(what: str) -> ServiceError:
    """Return the refusal of a request about a function, version or alias that is not there."""
    return ServiceError(
        "ResourceNotFoundException", f"Function not found: {what}", 404, members={"Type": "User"}
    )


def invalid(why: str) -> ServiceError:
    """Return the refusal of a value."""
    return ServiceError("InvalidParameterValueException", why, members={"Type": "User"})
