"""The sandbox put together, and its life from start to stop."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.sandbox import dimensions
from odyssey.sandbox.calls import ACCOUNT
from odyssey.sandbox.clients import Clients
from odyssey.sandbox.control import Control
from odyssey.sandbox.ecr.blobs import Blobs
from odyssey.sandbox.ecr.images import Images
from odyssey.sandbox.ecr.passwords import Passwords
from odyssey.sandbox.ecr.registry import Registry
from odyssey.sandbox.ecr.repositories import Repositories
from odyssey.sandbox.faults import Faults
from odyssey.sandbox.gateway import Gateway
from odyssey.sandbox.iam.guard import Guard
from odyssey.sandbox.iam.identities import Identities
from odyssey.sandbox.lambda_.environments import Environments
from odyssey.sandbox.lambda_.url_requests import UrlRequests
from odyssey.sandbox.lambda_.urls import PATH
from odyssey.sandbox.server import Server
from odyssey.sandbox.state.memory import Memory
from odyssey.sandbox.store import Store
from odyssey.sandbox.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from odyssey.sandbox.machines import Executor

PATIENCE = 45.0
"""Seconds that jobs and endpoints may take to end: a container has 30 of them."""


@dataclass(frozen=True)
class Settings:
    """What a sandbox is to be.

    Args:
        folder: Its folder, for what it keeps on disk.
        port: The port; 0 takes a free one.
        keep: Whether its state outlives it, in its folder.
        enforce_iam: Whether what no policy allows is refused.
    """

    folder: Path
    port: int = 0
    keep: bool = False
    enforce_iam: bool = False


class Sandbox:
    """What the services of the sandbox share.

    Args:
        settings: What it is to be.
        executor: Makes what runs the jobs, of the images that are in ECR.

    Raises:
        OSError: The port is taken.
    """

    def __init__(self, settings: Settings, executor: Callable[[Images], Executor]) -> None:
        """Take the port; nothing is answered yet."""
        self.settings = settings
        self.stop_asked = threading.Event()
        self.store = Store()
        self.memory = Memory(settings.folder, self.store, keep=settings.keep)
        self.faults = Faults()
        self.tasks = Tasks()
        self.identities = Identities(self.store, strict=settings.enforce_iam)
        self.guard = Guard(enforce=settings.enforce_iam, store=self.store)
        self.server = Server(settings.port)
        self.url = self.server.url
        self.clients = Clients(self.url, self.identities)
        self.repositories = Repositories(self.store, Blobs(settings.folder / "registry"))
        self.passwords = Passwords(self.store)
        self.images = Images(self.server.port, self.repositories, self.passwords, self.guard)
        self.executor = executor(self.images)
        self.environments = Environments(self)
        self.services = _services(self)

    def start(self) -> None:
        """Begin to answer, and take up what was kept.

        Raises:
            UsageError: The folder is another sandbox's, or what is kept in it cannot be used.
        """
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        # Else moto has none of AWS's own policies, such as AdministratorAccess.
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        dimensions.know_all()
        # Else moto looks for the account in the IAM of every partition, China's too: two seconds.
        os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
        moto = self.memory.open(DomainDispatcherApplication(create_backend_app))
        registry = Registry(self.repositories, self.passwords, self.guard)
        mounts: dict[str, Any] = {
            "/_sandbox/": Control(self),
            "/v2/": registry,
            PATH: UrlRequests(self, self.environments),
        }
        self.server.start(
            Gateway(self.services, self.identities, self.guard, self.faults, mounts, moto)
        )
        for service in self.services:
            if hasattr(service, "resume"):
                service.resume()

    def stop(self) -> list[str]:
        """End what runs and give the port back.

        Returns:
            What could not be ended.
        """
        left = self.tasks.stop(PATIENCE)
        with contextlib.suppress(OSError):
            self.server.stop()
        self.memory.close()
        return left


def _services(sandbox: Sandbox) -> list[Any]:
    """Return the services of ours, in the order in which they take up what was kept."""
    from odyssey.sandbox import cloudformation, lambda_
    from odyssey.sandbox.ecr.image_operations import EcrImages
    from odyssey.sandbox.ecr.layer_operations import EcrLayers
    from odyssey.sandbox.ecr.service import Ecr
    from odyssey.sandbox.iam.callers import Callers
    from odyssey.sandbox.iam.simulation import Simulation
    from odyssey.sandbox.sagemaker.async_invocations import AsyncInvocations
    from odyssey.sandbox.sagemaker.endpoint_configs import EndpointConfigs
    from odyssey.sandbox.sagemaker.endpoints import Endpoints
    from odyssey.sandbox.sagemaker.models import Models
    from odyssey.sandbox.sagemaker.runtime import Runtime
    from odyssey.sandbox.sagemaker.tags import Tags
    from odyssey.sandbox.sagemaker.training import TrainingJobs
    from odyssey.sandbox.sagemaker.transform import TransformJobs

    endpoints = Endpoints(sandbox)
    return [
        Ecr(sandbox),
        EcrImages(sandbox),
        EcrLayers(sandbox),
        Models(sandbox),
        EndpointConfigs(sandbox),
        endpoints,
        Runtime(sandbox, endpoints),
        AsyncInvocations(sandbox, endpoints),
        Tags(sandbox),
        Callers(sandbox),
        Simulation(sandbox),
        TrainingJobs(sandbox),
        TransformJobs(sandbox),
        *lambda_.services(sandbox, sandbox.environments),
        *cloudformation.services(sandbox),
    ]
