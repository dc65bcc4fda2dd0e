"""All the machines that serve one deployment of an endpoint, and the choice among them."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.sagemaker.instance import LOOK, Instance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odyssey.sandbox.sagemaker.hosting import Host
    from odyssey.sandbox.sandbox import Sandbox


class Variant:
    """A variant's instances; whoever looks at them holds the fleet's lock.

    Args:
        plan: The variant of a plan, whose ``weight`` and ``count`` may change.
    """

    def __init__(self, plan: Mapping[str, Any]) -> None:
        """There are no instances yet."""
        self.plan = plan
        self.instances: list[Instance] = []

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.plan["VariantName"])

    @property
    def serving(self) -> list[tuple[Instance, Host]]:
        """The instances that take requests, and what serves each."""
        return [(each, each.host) for each in self.instances if each.host is not None]

    def chosen(self) -> tuple[Instance, Host]:
        """Return the instance with the least to do, and what serves it.

        Raises:
            ServiceError: None serves, or no more requests are taken at once.
        """
        serving = self.serving
        serverless = self.plan.get("ServerlessConfig")
        if serverless and sum(each.busy for each, _ in serving) >= serverless["MaxConcurrency"]:
            raise ServiceError("ThrottlingException", "Rate exceeded", 429)
        if not serving and serverless:
            told = "The model is not ready: its resources are still being provisioned. Try again."
            raise ServiceError("ModelNotReadyException", told, 429)
        if not serving:
            told = "The service is unavailable. Try your call again."
            raise ServiceError("ServiceUnavailable", told, 503)
        return min(serving, key=lambda each: each[0].busy)


class Fleet:
    """The machines of one deployment.

    As many as the plan says really run: an endpoint of ten instances is ten containers here.

    Args:
        sandbox: The sandbox.
        endpoint: The region and the name of the endpoint.
        plan: The plan of `endpoint_plan`, whose variants say how many instances there are.
    """

    def __init__(
        self, sandbox: Sandbox, endpoint: tuple[str, str], plan: Mapping[str, Any]
    ) -> None:
        """Nothing runs yet."""
        self.plan = plan
        self.changed = threading.Condition()
        self.variants = {each["VariantName"]: Variant(each) for each in plan["variants"]}
        self._sandbox = sandbox
        self._endpoint = endpoint

    def scale(self) -> list[Instance]:
        """Begin as many instances as are missing, end those that are too many.

        Returns:
            Those that begin.
        """
        new: list[Instance] = []
        with self.changed:
            for variant in self.variants.values():
                count = variant.plan["count"]
                for instance in variant.instances[count:]:
                    instance.leave()
                del variant.instances[count:]
                more = [
                    Instance(self._sandbox, self._endpoint, variant.plan, self.changed)
                    for _ in range(count - len(variant.instances))
                ]
                variant.instances += more
                new += more
        for instance in new:
            instance.start()
        return new

    def await_service(self, instances: Sequence[Instance]) -> str | None:
        """Wait until instances serve; return why one of them never will."""
        with self.changed:
            while True:
                for instance in instances:
                    if instance.failure is not None:
                        return instance.failure
                if all(instance.host is not None for instance in instances):
                    return None
                if self._sandbox.tasks.stopping.is_set():
                    return "The sandbox was stopped."
                self.changed.wait(LOOK)

    def stop(self) -> None:
        """Let all that is asked already be answered, and end all instances; return then."""
        with self.changed:
            ending = [each for variant in self.variants.values() for each in variant.instances]
            for instance in ending:
                instance.leave()
            while not all(instance.has_ended for instance in ending):
                self.changed.wait(LOOK)

    def take(self, target: str | None) -> tuple[Variant, Instance, Host]:
        """Choose what answers a request, by the variants' weights, and count the request.

        Args:
            target: The variant that is to; None is any.

        Raises:
            ServiceError: There is no such variant, or nothing that can answer.
        """
        with self.changed:
            variant = self._variant(target)
            instance, host = variant.chosen()
            instance.busy += 1
            return variant, instance, host

    def give_back(self, instance: Instance) -> None:
        """Note that a request is answered."""
        with self.changed:
            instance.busy -= 1
            if not instance.busy:
                self.changed.notify_all()

    def _variant(self, target: str | None) -> Variant:
        if target is not None:
            if target not in self.variants:
                told = f"Variant {target} of endpoint {self._endpoint[1]} not found."
                raise ServiceError("ValidationError", told)
            return self.variants[target]
        if len(self.variants) == 1:
            return next(iter(self.variants.values()))
        # A variant of which nothing serves has no share, as behind a load balancer.
        found = list(self.variants.values())
        weights = [each.plan["weight"] * bool(each.serving) for each in found]
        if not any(weights):
            weights = [each.plan["weight"] for each in found]
        return random.choices(found, weights)[0]  # noqa: S311 - no secret
