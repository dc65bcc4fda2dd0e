"""SageMaker's endpoints: what is asked for is noted here, and carried out by `endpoint`."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.sagemaker import endpoint_plan
from odyssey.sandbox.sagemaker.endpoint import Endpoint, not_found
from odyssey.sandbox.sagemaker.endpoint_configs import endpoint_configs
from odyssey.sandbox.sagemaker.kinds import Kind
from odyssey.sandbox.sagemaker.models import models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sandbox import Sandbox

TOLD = (
    "EndpointName",
    "EndpointArn",
    "EndpointConfigName",
    "EndpointStatus",
    "FailureReason",
    "CreationTime",
    "LastModifiedTime",
    "LastDeploymentConfig",
    "PendingDeploymentSummary",
)
"""What DescribeEndpoint takes from the record; the rest is of the plan."""


class Endpoints:
    """The operations on endpoints.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """Nothing serves yet."""
        self._sandbox = sandbox
        self._store = sandbox.store
        self._endpoints = Kind(sandbox.store, "endpoint", "Endpoint", "endpoint")
        self._configs = endpoint_configs(sandbox)
        self._models = models(sandbox)
        self._known: dict[tuple[str, str], Endpoint] = {}

    def resume(self) -> None:
        """Start what was in service when the sandbox stopped, and finish what was deleted."""
        with self._store.lock:
            for (region, name), record in list(self._endpoints.table.items()):
                endpoint = self._endpoint(region, name)
                if record["EndpointStatus"] == "Deleting":
                    self._begin(endpoint, endpoint.remove)
                elif record["EndpointStatus"] != "Failed":
                    was_there = record["EndpointStatus"] != "Creating"
                    endpoint.note("Updating" if was_there else "Creating")
                    self._begin(endpoint, endpoint.create)

    def find(self, region: str, name: str) -> Endpoint:
        """Return an endpoint that may serve, for a request to the model.

        Raises:
            ServiceError: There is none.
        """
        found = self._known.get((region, name))
        if found is None:
            raise not_found(name)
        return found

    @operation("sagemaker", "CreateEndpoint")
    def create(self, call: Call) -> dict[str, Any]:
        """Make an endpoint; one machine for each instance."""
        asked = call.parameters
        name, deployment = asked["EndpointName"], _deployment(asked)
        with self._store.lock:
            self._endpoints.require_new(call.region, name)
            plan = self._planned(call)
            now = datetime.now(UTC)
            answer = self._endpoints.add(call, EndpointStatus="Creating", LastModifiedTime=now)
            # One of that name may have been deleted: this is another.
            self._known.pop((call.region, name), None)
            endpoint = self._endpoint(call.region, name)
            endpoint.plan = plan
            endpoint.note("Creating", DeploymentConfig=None, LastDeploymentConfig=deployment)
        self._begin(endpoint, endpoint.create)
        return answer

    @operation("sagemaker", "DescribeEndpoint")
    def describe(self, call: Call) -> dict[str, Any]:
        """Return how an endpoint stands."""
        name = call.parameters["EndpointName"]
        with self._store.lock:
            record = self._endpoints.find(call.region, name)
            endpoint = self._endpoint(call.region, name)
            told = {member: record[member] for member in TOLD if member in record}
            return {**told, **endpoint_plan.described(endpoint.plan, endpoint.fleet)}

    @operation("sagemaker", "ListEndpoints")
    def list(self, call: Call) -> dict[str, Any]:
        """Return endpoints, page by page."""
        return self._endpoints.page(call, "LastModifiedTime", "EndpointStatus")

    @operation("sagemaker", "UpdateEndpoint")
    def update(self, call: Call) -> dict[str, Any]:
        """Give an endpoint another configuration."""
        asked = call.parameters
        with self._store.lock:
            record, endpoint = self._idle(call)
            plan, old = self._planned(call), endpoint.plan
            _require_same_kind(old, plan)
            if asked.get("RetainAllVariantProperties"):
                excluded = asked.get("ExcludeRetainedVariantProperties", [])
                endpoint_plan.retain(plan, old, excluded)
            kept = asked.get("RetainDeploymentConfig")
            deployment = record.get("LastDeploymentConfig") if kept else _deployment(asked)
            pending = {"EndpointConfigName": plan["config"], "StartTime": datetime.now(UTC)}
            endpoint.note("Updating", FailureReason=None, PendingDeploymentSummary=pending)
        self._begin(endpoint, functools.partial(endpoint.update, plan, deployment))
        return {"EndpointArn": record["EndpointArn"]}

    @operation("sagemaker", "UpdateEndpointWeightsAndCapacities")
    def scale(self, call: Call) -> dict[str, Any]:
        """Change the weights and the numbers of instances of an endpoint's variants."""
        with self._store.lock:
            record, endpoint = self._idle(call)
            plan = endpoint.plan
            wanted = {
                each["VariantName"]: each for each in call.parameters["DesiredWeightsAndCapacities"]
            }
            before = {variant["VariantName"]: variant["count"] for variant in plan["variants"]}
            _require_scalable(plan, before, wanted)
            for variant in plan["variants"]:
                each = wanted.get(variant["VariantName"], {})
                variant["weight"] = each.get("DesiredWeight", variant["weight"])
                variant["count"] = each.get("DesiredInstanceCount", variant["count"])
                if "ServerlessUpdateConfig" in each:
                    variant["ServerlessConfig"].update(each["ServerlessUpdateConfig"])
            endpoint.note("Updating", FailureReason=None)
        self._begin(endpoint, functools.partial(endpoint.scale, before))
        return {"EndpointArn": record["EndpointArn"]}

    @operation("sagemaker", "DeleteEndpoint")
    def delete(self, call: Call) -> dict[str, Any]:
        """Stop an endpoint and forget it; its configuration stays."""
        with self._store.lock:
            _, endpoint = self._idle(call, also="Failed")
            endpoint.note("Deleting")
        self._begin(endpoint, endpoint.remove)
        return {}

    def _planned(self, call: Call) -> dict[str, Any]:
        config = self._configs.find(call.region, call.parameters["EndpointConfigName"])
        find = functools.partial(self._models.find, call.region)
        return endpoint_plan.planned(config, find)

    def _idle(self, call: Call, also: str = "") -> tuple[dict[str, Any], Endpoint]:
        """Return an endpoint that nothing is being done to.

        Raises:
            ServiceError: There is none, or it is in another status than InService and `also`.
        """
        name = call.parameters["EndpointName"]
        record = self._endpoints.find(call.region, name)
        status = record["EndpointStatus"]
        if status not in ("InService", also):
            what = "failed" if status == "Failed" else "in-progress"
            told = f'Cannot update {what} endpoint "{record["EndpointArn"]}".'
            raise ServiceError("ValidationException", told)
        return record, self._endpoint(call.region, name)

    def _endpoint(self, region: str, name: str) -> Endpoint:
        key = (region, name)
        if key not in self._known:
            self._known[key] = Endpoint(self._sandbox, self._endpoints, region, name)
        return self._known[key]

    def _begin(self, endpoint: Endpoint, work: Any) -> None:
        self._sandbox.tasks.start(f"endpoint {endpoint.name}", work)


def _deployment(asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the DeploymentConfig of a request; None where there is none.

    Raises:
        ServiceError: It has two policies.
    """
    found: Mapping[str, Any] | None = asked.get("DeploymentConfig")
    if found and "BlueGreenUpdatePolicy" in found and "RollingUpdatePolicy" in found:
        told = "DeploymentConfig has either a BlueGreenUpdatePolicy or a RollingUpdatePolicy"
        raise ServiceError("ValidationException", told)
    return found


def _require_same_kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Return unless an endpoint on instances is to become a serverless one."""
    was, will = (
        any("ServerlessConfig" in each for each in plan["variants"]) for plan in (old, new)
    )
    if will and not was:
        told = "An endpoint on instances cannot be updated to a serverless one"
        raise ServiceError("ValidationException", told)


def _require_scalable(
    plan: Mapping[str, Any], before: Mapping[str, int], wanted: Mapping[str, Mapping[str, Any]]
) -> None:
    """Return if variants can have the weights and the capacities that are asked for."""
    serverless = {each["VariantName"] for each in plan["variants"] if "ServerlessConfig" in each}
    for name, each in wanted.items():
        if name not in before:
            why = f"Could not find production variant {name}"
        elif ("ServerlessUpdateConfig" in each) and name not in serverless:
            why = f"Production variant {name} is not serverless"
        elif "DesiredInstanceCount" in each and name in serverless:
            why = f"Production variant {name} is serverless, and has no instances"
        elif each.get("DesiredInstanceCount") == 0 and not plan["async"]:
            why = f"Production variant {name} needs at least one instance: it is not asynchronous"
        else:
            continue
        raise ServiceError("ValidationException", why)
