"""ECR's repositories."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT
from odyssey.sandbox.cloudformation.replacement import changed
from odyssey.sandbox.cloudformation.resources import tags
from odyssey.sandbox.cloudformation.resources.handler import Handler

if TYPE_CHECKING:
    from odyssey.sandbox.cloudformation.resources.handler import Properties
    from odyssey.sandbox.cloudformation.resources.site import Site

AFTERWARDS = ("EmptyOnDelete", "LifecyclePolicy", "RepositoryPolicyText")
"""Properties that are no part of the request that creates a repository."""


class Repository(Handler):
    """A repository of images."""

    type = "AWS::ECR::Repository"
    attributes = ("Arn", "RepositoryUri")
    tags = "list"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it, with its policies."""
        name = wanted.get("RepositoryName") or site.name(256, lower=True)
        request = {key: wanted[key] for key in wanted if key not in AFTERWARDS}
        site.ask("ecr", "CreateRepository", {**request, "RepositoryName": name})
        site.begun(name)
        self._set_policies(site, name, {}, wanted)
        return str(name)

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Change its settings and policies."""
        different = changed(old, wanted)
        of_name = {"repositoryName": physical_id}
        if {"ImageTagMutability", "ImageTagMutabilityExclusionFilters"} & {*different}:
            request = {"ImageTagMutability": wanted.get("ImageTagMutability", "MUTABLE"), **of_name}
            filters = wanted.get("ImageTagMutabilityExclusionFilters")
            if filters:
                request["ImageTagMutabilityExclusionFilters"] = filters
            site.ask("ecr", "PutImageTagMutability", request)
        if "ImageScanningConfiguration" in different:
            scanning = wanted.get("ImageScanningConfiguration", {"ScanOnPush": False})
            request = {"ImageScanningConfiguration": scanning, **of_name}
            site.ask("ecr", "PutImageScanningConfiguration", request)
        self._set_policies(site, physical_id, old, wanted)
        tags.change(site, "ecr", self._arn(site, physical_id), old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it; with images in it only where the template says so."""
        force = str(properties.get("EmptyOnDelete", False)).lower() == "true"
        site.ask("ecr", "DeleteRepository", repositoryName=physical_id, force=force)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN and its address."""
        host = f"{ACCOUNT}.dkr.ecr.{site.region}.amazonaws.com"
        return {"Arn": self._arn(site, physical_id), "RepositoryUri": f"{host}/{physical_id}"}

    def _set_policies(self, site: Site, name: str, old: Properties, wanted: Properties) -> None:
        ecr = site.client("ecr")
        different = changed(old, wanted)
        if "LifecyclePolicy" in different:
            text = wanted.get("LifecyclePolicy", {}).get("LifecyclePolicyText")
            if text:
                site.ask("ecr", "PutLifecyclePolicy", repositoryName=name, lifecyclePolicyText=text)
            else:
                with suppress(ecr.exceptions.LifecyclePolicyNotFoundException):
                    ecr.delete_lifecycle_policy(repositoryName=name)
        if "RepositoryPolicyText" in different:
            policy = wanted.get("RepositoryPolicyText")
            if policy:
                site.ask("ecr", "SetRepositoryPolicy", repositoryName=name, policyText=policy)
            else:
                with suppress(ecr.exceptions.RepositoryPolicyNotFoundException):
                    ecr.delete_repository_policy(repositoryName=name)

    def _arn(self, site: Site, name: str) -> str:
        return f"arn:aws:ecr:{site.region}:{ACCOUNT}:repository/{name}"
