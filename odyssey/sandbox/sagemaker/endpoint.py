"""One endpoint: its record, and the fleet that serves it, from deployment to deployment."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT, ServiceError
from odyssey.sandbox.sagemaker.endpoint_plan import TABLE as PLANS
from odyssey.sandbox.sagemaker.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sagemaker.fleet import Variant
    from odyssey.sandbox.sagemaker.hosting import Host
    from odyssey.sandbox.sagemaker.instance import Instance
    from odyssey.sandbox.sagemaker.kinds import Kind
    from odyssey.sandbox.sandbox import Sandbox

NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)


class Endpoint:
    """An endpoint.

    Args:
        sandbox: The sandbox.
        kind: The records of endpoints.
        region: Where it is.
        name: Its name.
    """

    def __init__(self, sandbox: Sandbox, kind: Kind, region: str, name: str) -> None:
        """Nothing serves it yet."""
        self.region, self.name = region, name
        self.fleet: Fleet | None = None
        self._sandbox = sandbox
        self._kind = kind
        self._key = (region, name)
        self._lock = threading.Lock()

    @property
    def plan(self) -> dict[str, Any]:
        """What it serves, or will when it is made."""
        with self._sandbox.store.lock:
            found: dict[str, Any] = self._sandbox.store.table(PLANS)[self._key]
            return found

    @plan.setter
    def plan(self, plan: dict[str, Any]) -> None:
        with self._sandbox.store.lock:
            self._sandbox.store.table(PLANS)[self._key] = plan

    @property
    def exists(self) -> bool:
        """Whether it has not been deleted."""
        with self._sandbox.store.lock:
            return self._key in self._kind.table

    def take(self, target: str | None) -> tuple[Fleet, Variant, Instance, Host]:
        """Choose what answers a request, and count the request; `Fleet.give_back` ends it.

        Args:
            target: The variant that is to; None is any.

        Raises:
            ServiceError: It does not serve.
        """
        # A deployment takes the fleet's place here, so that none is asked that has left.
        with self._lock:
            if self.fleet is None:
                raise not_found(self.name)
            return self.fleet, *self.fleet.take(target)

    def note(self, status: str, **members: Any) -> None:
        """Enter a status; a member of None is taken away."""
        with self._sandbox.store.lock:
            record = self._kind.find(*self._key)
            record.update(members, EndpointStatus=status, LastModifiedTime=datetime.now(UTC))
            for member in [member for member, value in record.items() if value is None]:
                del record[member]

    def create(self) -> None:
        """Carry out its plan: InService at the end, or Failed."""
        fleet, reason = self._provision(self.plan)
        if self._is_stopped():
            return
        if reason is None:
            self._switch(fleet)
            self.note("InService")
        else:
            fleet.stop()
            self.note("Failed", FailureReason=reason)

    def update(self, plan: dict[str, Any], deployment: Mapping[str, Any] | None) -> None:
        """Carry out another plan, while the fleet before it serves until all of the new is healthy.

        Traffic is shifted all at once, whatever a blue/green or a rolling policy says of its steps
        and waits. Alarms that may roll it back are looked at once, before that.

        Args:
            plan: The plan.
            deployment: The ``DeploymentConfig`` of the request.
        """
        fleet, reason = self._provision(plan)
        if self._is_stopped():
            return
        reason = reason or self._alarm(deployment or {})
        if reason is not None:
            self.note("RollingBack")
            fleet.stop()
            self.note("InService", FailureReason=reason, PendingDeploymentSummary=None)
            return
        old = self._switch(fleet)
        with self._sandbox.store.lock:
            self.plan = plan
            self.note(
                "InService",
                EndpointConfigName=plan["config"],
                LastDeploymentConfig=deployment,
                PendingDeploymentSummary=None,
            )
        if old is not None:
            old.stop()

    def scale(self, before: Mapping[str, int]) -> None:
        """Make the numbers of instances those of its plan.

        Args:
            before: The numbers by variant, for where there is no capacity for more.
        """
        fleet = self.fleet
        if fleet is None:
            return
        more = any(each["count"] > before[each["VariantName"]] for each in self.plan["variants"])
        reason = self._no_capacity() if more else None
        if reason is None:
            reason = fleet.await_service(fleet.scale())
        if self._is_stopped():
            return
        if reason is not None:
            with self._sandbox.store.lock:
                for variant in self.plan["variants"]:
                    variant["count"] = before[variant["VariantName"]]
            fleet.scale()
        self.note("InService", FailureReason=reason)

    def remove(self) -> None:
        """Stop what serves it, and forget it."""
        old = self._switch(None)
        if old is not None:
            old.stop()
        with self._sandbox.store.lock:
            self._sandbox.store.table(PLANS).pop(self._key, None)
            self._kind.remove(*self._key)

    def _provision(self, plan: Mapping[str, Any]) -> tuple[Fleet, str | None]:
        """Return a fleet, and why it will not serve; None where it does."""
        fleet = Fleet(self._sandbox, self._key, plan)
        reason = self._no_capacity()
        if reason is None:
            for variant in plan["variants"]:
                variant["image"] = self._resolved(variant["image"])
            reason = fleet.await_service(fleet.scale())
        return fleet, reason

    def _switch(self, fleet: Fleet | None) -> Fleet | None:
        with self._lock:
            old, self.fleet = self.fleet, fleet
            return old

    def _is_stopped(self) -> bool:
        """Return whether the sandbox stops: then the record stays, to be taken up again."""
        return self._sandbox.tasks.stopping.is_set()

    def _no_capacity(self) -> str | None:
        return NO_CAPACITY if self._sandbox.faults.strike("capacity", self.name) else None

    def _alarm(self, deployment: Mapping[str, Any]) -> str | None:
        """Return why a deployment is to be rolled back: one of its alarms is in ALARM."""
        alarms = deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])
        names = [alarm["AlarmName"] for alarm in alarms]
        if not names:
            return None
        client = self._sandbox.clients.client("cloudwatch", self.region)
        # moto asks for no state where there are names.
        found = client.describe_alarms(AlarmNames=names)["MetricAlarms"]
        ringing = [alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM"]
        told = ", ".join(sorted(ringing))
        return f"Auto-rollback was initiated: in ALARM: {told}" if told else None

    def _resolved(self, image: str) -> str:
        """Return the name of an image with its digest, where ECR knows it."""
        host, _, rest = image.partition("/")
        name, _, tag = rest.partition(":")
        with contextlib.suppress(Exception):
            ecr = self._sandbox.clients.client("ecr", self.region)
            ids = [{"imageTag": tag or "latest"}]
            found = ecr.describe_images(repositoryName=name, imageIds=ids)["imageDetails"]
            return f"{host}/{name}@{found[0]['imageDigest']}"
        return image


def not_found(name: str) -> ServiceError:
    """Return the refusal of a request to an endpoint that is not there, or does not serve yet."""
    return ServiceError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
