"""IAM's roles and policies."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from odyssey.sandbox.cloudformation.errors import is_gone
from odyssey.sandbox.cloudformation.replacement import changed
from odyssey.sandbox.cloudformation.resources import tags
from odyssey.sandbox.cloudformation.resources.handler import Handler
from odyssey.sandbox.cloudformation.resources.requests import known, text

if TYPE_CHECKING:
    from odyssey.sandbox.cloudformation.resources.handler import Properties
    from odyssey.sandbox.cloudformation.resources.site import Site

ATTACHED = ("ManagedPolicyArns", "Policies")
"""Properties of a role that are no part of the request that creates it."""

KINDS = (("Roles", "Role"), ("Users", "User"), ("Groups", "Group"))
"""Whom a policy may belong to: the property, and the word in IAM's operations."""


class Role(Handler):
    """A role, with the policies that are written in it."""

    type = "AWS::IAM::Role"
    attributes = ("Arn", "RoleId")
    tags = "list"
    required = ("AssumeRolePolicyDocument",)

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it, then its policies."""
        name = wanted.get("RoleName") or site.name(64)
        request = {key: wanted[key] for key in wanted if key not in ATTACHED}
        site.ask("iam", "CreateRole", {**request, "RoleName": name})
        site.begun(name)
        self._set_policies(site, name, {}, wanted)
        return str(name)

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Change its trust, its settings and its policies."""
        different = changed(old, wanted)
        if "AssumeRolePolicyDocument" in different:
            policy = wanted["AssumeRolePolicyDocument"]
            site.ask("iam", "UpdateAssumeRolePolicy", RoleName=physical_id, PolicyDocument=policy)
        if {"Description", "MaxSessionDuration"} & {*different}:
            description, most = (
                wanted.get("Description", ""),
                wanted.get("MaxSessionDuration", 3600),
            )
            site.ask(
                "iam",
                "UpdateRole",
                RoleName=physical_id,
                Description=description,
                MaxSessionDuration=most,
            )
        if "PermissionsBoundary" in different:
            self._set_boundary(site, physical_id, wanted.get("PermissionsBoundary"))
        self._set_policies(site, physical_id, old, wanted)
        tags.change(site, "iam", physical_id, old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it with its own policies; others must be gone."""
        self._set_policies(site, physical_id, properties, {})
        site.ask("iam", "DeleteRole", RoleName=physical_id)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN and id."""
        role = site.ask("iam", "GetRole", RoleName=physical_id)["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}

    def _set_policies(self, site: Site, name: str, old: Properties, wanted: Properties) -> None:
        iam = site.client("iam")
        before, after = _inline(old), _inline(wanted)
        for policy in sorted(set(before) - set(after)):
            with suppress(iam.exceptions.NoSuchEntityException):
                iam.delete_role_policy(RoleName=name, PolicyName=policy)
        for policy, document in after.items():
            if before.get(policy) != document:
                iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)
        attached, to_attach = ({*each.get("ManagedPolicyArns", [])} for each in (old, wanted))
        for arn in sorted(attached - to_attach):
            with suppress(iam.exceptions.NoSuchEntityException):
                iam.detach_role_policy(RoleName=name, PolicyArn=arn)
        for arn in sorted(to_attach - attached):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)

    def _set_boundary(self, site: Site, name: str, arn: str | None) -> None:
        if arn:
            site.ask("iam", "PutRolePermissionsBoundary", RoleName=name, PermissionsBoundary=arn)
        else:
            site.ask("iam", "DeleteRolePermissionsBoundary", RoleName=name)


class Policy(Handler):
    """A policy written into roles, users or groups."""

    type = "AWS::IAM::Policy"
    attributes = ("Id",)
    required = ("PolicyDocument", "PolicyName")

    def create(self, site: Site, wanted: Properties) -> str:
        """Write it into all of them."""
        known(self.type, wanted, "Groups PolicyDocument PolicyName Roles Users")
        physical_id = site.begun(site.name(64))
        self._put(site, wanted)
        return physical_id

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Write it anew, and take it from those that are named no longer."""
        known(self.type, wanted, "Groups PolicyDocument PolicyName Roles Users")
        self._put(site, wanted)
        left = {} if old["PolicyName"] != wanted["PolicyName"] else wanted
        self._take(site, old, left)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Take it from all of them."""
        self._take(site, properties, {})

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its id."""
        return {"Id": physical_id}

    def _put(self, site: Site, wanted: Properties) -> None:
        for plural, kind in KINDS:
            for name in wanted.get(plural, []):
                request = {key: wanted[key] for key in ("PolicyName", "PolicyDocument")}
                site.ask("iam", f"Put{kind}Policy", request, **{f"{kind}Name": name})

    def _take(self, site: Site, old: Properties, left: Properties) -> None:
        for plural, kind in KINDS:
            for name in sorted({*old.get(plural, [])} - {*left.get(plural, [])}):
                request = {"PolicyName": old["PolicyName"], f"{kind}Name": name}
                try:
                    site.ask("iam", f"Delete{kind}Policy", request)
                except ClientError as error:
                    if not is_gone(error):
                        raise


class ManagedPolicy(Handler):
    """A policy that stands by itself and is attached."""

    type = "AWS::IAM::ManagedPolicy"
    attributes = ("PolicyArn", "PolicyId")
    required = ("PolicyDocument",)

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it and attach it."""
        plurals = [plural for plural, _ in KINDS]
        request = {key: wanted[key] for key in wanted if key not in plurals}
        name = request.pop("ManagedPolicyName", None) or site.name(128)
        answer = site.ask("iam", "CreatePolicy", request, PolicyName=name)
        arn = site.begun(answer["Policy"]["Arn"])
        self._attach(site, arn, {}, wanted)
        return arn

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Give it a new version, and attach and detach it."""
        if "PolicyDocument" in changed(old, wanted):
            self._drop_versions(site, physical_id)
            request = {"PolicyArn": physical_id, "PolicyDocument": wanted["PolicyDocument"]}
            site.ask("iam", "CreatePolicyVersion", request, SetAsDefault=True)
        self._attach(site, physical_id, old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Detach it from those whom the template names, and delete it."""
        self._attach(site, physical_id, properties, {})
        self._drop_versions(site, physical_id)
        site.ask("iam", "DeletePolicy", PolicyArn=physical_id)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN and id."""
        policy = site.ask("iam", "GetPolicy", PolicyArn=physical_id)["Policy"]
        return {"PolicyArn": physical_id, "PolicyId": policy["PolicyId"]}

    def _attach(self, site: Site, arn: str, old: Properties, wanted: Properties) -> None:
        for plural, kind in KINDS:
            before, after = {*old.get(plural, [])}, {*wanted.get(plural, [])}
            for name in sorted(after - before):
                site.ask("iam", f"Attach{kind}Policy", PolicyArn=arn, **{f"{kind}Name": name})
            for name in sorted(before - after):
                try:
                    site.ask("iam", f"Detach{kind}Policy", PolicyArn=arn, **{f"{kind}Name": name})
                except ClientError as error:
                    if not is_gone(error):
                        raise

    def _drop_versions(self, site: Site, arn: str) -> None:
        """Delete the versions that are not in force: five are the most that there may be."""
        for version in site.ask("iam", "ListPolicyVersions", PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                request = {"PolicyArn": arn, "VersionId": version["VersionId"]}
                site.ask("iam", "DeletePolicyVersion", request)


def _inline(properties: Properties) -> dict[str, str]:
    return {
        each["PolicyName"]: text(each["PolicyDocument"]) for each in properties.get("Policies", [])
    }
