"""What the account holds that decides about rights: moto's roles, users, groups and buckets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT
from odyssey.sandbox.iam.identities import Principal
from odyssey.sandbox.iam.policies import Held, Policy, parsed
from odyssey.sandbox.iam.resources import Known, arn
from odyssey.sandbox.lambda_.functions import TABLE as FUNCTIONS
from odyssey.sandbox.sagemaker.tags import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from odyssey.sandbox.store import Store


class Account(Known):
    """The account as it is at the moment; a document that was read is not read again.

    Args:
        store: Where SageMaker's resources have their tags, and functions their policies.
    """

    def __init__(self, store: Store) -> None:
        """Nothing was read yet."""
        self._store = store

    def role(self, name: str) -> str:
        """Return the ARN of a role, with its path."""
        found = self._role(name)
        return str(found.arn) if found is not None else super().role(name)

    def boundary(self, role: str) -> str | None:
        """Return the ARN of the permissions boundary of a role, by its name."""
        found = self._role(role)
        return found.permissions_boundary_arn or None if found is not None else None

    def key(self, bucket: str) -> str | None:
        """Return the ARN of the key with which a bucket encrypts what is put into it."""
        found = _buckets().get(bucket)
        if found is None:
            return None
        rule = (found.encryption or {}).get("Rule") or {}
        key = (rule.get("ApplyServerSideEncryptionByDefault") or {}).get("KMSMasterKeyID")
        if not key:
            return None
        named = key if key.startswith(("arn:", "alias/")) else f"key/{key}"
        return arn("kms", found.region_name, named)

    def held(self, principal: Principal) -> Held:
        """Return the policies of whoever asks.

        Raises:
            ValueError: One of them is none, or not known to the sandbox.
        """
        session = parsed(principal.policy) if principal.policy else None
        holder = self._holder(principal)
        if holder is None:
            return Held(session=session)
        if principal.role is not None:
            boundary = self._managed(holder.permissions_boundary_arn)
            return Held(_policies(holder), boundary, session)
        groups = [group for group in list(_iam().groups.values()) if holder in group.users]
        return Held(tuple(each for of in (holder, *groups) for each in _policies(of)))

    def tags(self, principal: Principal) -> Mapping[str, str]:
        """Return the tags of a user or of a session's role."""
        holder = self._holder(principal)
        tags = (holder.tags if holder is not None else None) or []
        pairs = tags.values() if isinstance(tags, dict) else tags
        return {tag["Key"]: tag["Value"] for tag in pairs}

    def resource_tags(self, arn: str) -> Mapping[str, str]:
        """Return the tags of a resource of SageMaker's; of all others, none are known."""
        region = arn.split(":")[3:4]
        with self._store.lock:
            found: Mapping[str, str] = self._store.table(TABLE).get(("".join(region), arn), {})
            return found

    def unique_id(self, principal: Principal) -> str:
        """Return the id of who asks, as ``aws:userid`` and STS tell it."""
        if principal.is_root:
            return ACCOUNT
        holder = self._holder(principal)
        known = str(holder.id) if holder is not None else "AROAUNKNOWN"
        session = principal.arn.rpartition("/")[2]
        return f"{known}:{session}" if principal.role is not None else known

    def has_role(self, role: str) -> bool:
        """Return whether there is a role of an ARN."""
        return self._of_arn(role) is not None

    def trust(self, role: str) -> Policy | None:
        """Return the trust policy of a role, by its ARN; None where there is no such role.

        Raises:
            ValueError: It is no policy, or not known to the sandbox.
        """
        found = self._of_arn(role)
        return parsed(found.assume_role_policy_document) if found is not None else None

    def of_bucket(self, bucket: str) -> Policy | None:
        """Return the policy of a bucket, if it has one.

        Raises:
            ValueError: It is no policy, or not known to the sandbox.
        """
        found = _buckets().get(bucket)
        document = found.policy if found is not None else None
        return parsed(document.decode()) if document else None

    def of_function(self, function: str) -> Policy | None:
        """Return the policy of a function, or of a version or an alias of it, if it has one.

        Raises:
            ValueError: It is no policy, or not known to the sandbox.
        """
        _, _, _, region, _, _, name, *qualifier = function.split(":")
        with self._store.lock:
            found = self._store.table(FUNCTIONS).get((region, name), {"policies": {}})
            policy = found["policies"].get("".join(qualifier))
            said = list(policy["Statement"]) if policy is not None else []
        return parsed(json.dumps({"Version": "2012-10-17", "Statement": said})) if said else None

    def holders(self) -> Iterator[tuple[str, Held]]:
        """Return the policies of every role and user, by their ARNs."""
        for role in list(_iam().roles.values()):
            yield role.arn, self.held(Principal(role.arn, role=role.arn))
        for user in list(_iam().users.values()):
            yield user.arn, self.held(Principal(user.arn, user=user.name))

    def _holder(self, principal: Principal) -> Any:
        """Return the role or the user that somebody's rights come from, if it is there."""
        if principal.role is not None:
            return self._of_arn(principal.role)
        return _iam().users.get(principal.user)

    def _of_arn(self, role: str) -> Any:
        found = self._role(role.rpartition("/")[2])
        return found if found is not None and found.arn == role else None

    def _role(self, name: str) -> Any:
        return next((role for role in list(_iam().roles.values()) if role.name == name), None)

    def _managed(self, policy: str | None) -> Policy | None:
        """Return a managed policy; one that is not there allows nothing."""
        if not policy:
            return None
        found = _iam().managed_policies.get(policy)
        return _default(found) if found is not None else Policy(())


def _policies(holder: Any) -> tuple[Policy, ...]:
    """Return the policies of a role, a user or a group, its own and those attached to it."""
    own = [parsed(document) for document in list(holder.policies.values())]
    return (*own, *map(_default, list(holder.managed_policies.values())))


def _default(managed: Any) -> Policy:
    versions = (each for each in managed.versions if each.version_id == managed.default_version_id)
    return parsed(next(versions).document)


def _iam() -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[ACCOUNT]["aws"]


def _buckets() -> Mapping[str, Any]:
    from moto.s3.models import s3_backends

    return s3_backends[ACCOUNT]["aws"].buckets
