"""S3's buckets and their policies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.cloudformation.errors import handled
from odyssey.sandbox.cloudformation.replacement import changed
from odyssey.sandbox.cloudformation.resources import tags
from odyssey.sandbox.cloudformation.resources.handler import Handler
from odyssey.sandbox.cloudformation.resources.lifecycle import renamed, rules
from odyssey.sandbox.cloudformation.resources.requests import known, text

if TYPE_CHECKING:
    from odyssey.sandbox.cloudformation.resources.handler import Properties
    from odyssey.sandbox.cloudformation.resources.site import Site

KNOWN = (
    "AccessControl BucketEncryption BucketName LifecycleConfiguration OwnershipControls "
    "PublicAccessBlockConfiguration Tags VersioningConfiguration"
)

SETTINGS = {
    "BucketEncryption": ("PutBucketEncryption", "DeleteBucketEncryption"),
    "LifecycleConfiguration": ("PutBucketLifecycleConfiguration", "DeleteBucketLifecycle"),
    "OwnershipControls": ("PutBucketOwnershipControls", "DeleteBucketOwnershipControls"),
    "PublicAccessBlockConfiguration": ("PutPublicAccessBlock", "DeletePublicAccessBlock"),
    "Tags": ("PutBucketTagging", "DeleteBucketTagging"),
    "VersioningConfiguration": ("PutBucketVersioning", ""),
}
"""The operations that give a bucket a property, and that take it away."""


class Bucket(Handler):
    """A bucket."""

    type = "AWS::S3::Bucket"
    attributes = ("Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL")
    tags = "list"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it, then set what its properties say."""
        known(self.type, wanted, KNOWN)
        name = wanted.get("BucketName") or site.name(63, lower=True)
        # In us-east-1, S3 lets an owner create a bucket a second time; CloudFormation does not.
        if site.operation.exists(name):
            raise handled(f"{name} already exists", "AlreadyExists")
        request: dict[str, Any] = {"Bucket": name}
        if site.region != "us-east-1":
            request["CreateBucketConfiguration"] = {"LocationConstraint": site.region}
        if "AccessControl" in wanted:
            request["ACL"] = _canned(wanted["AccessControl"])
        site.ask("s3", "CreateBucket", request)
        site.begun(name)
        self._set(site, name, {}, wanted)
        return str(name)

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Set what has changed."""
        known(self.type, wanted, KNOWN)
        if "AccessControl" in changed(old, wanted):
            acl = _canned(wanted.get("AccessControl", "Private"))
            site.ask("s3", "PutBucketAcl", Bucket=physical_id, ACL=acl)
        self._set(site, physical_id, old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it, if it is empty."""
        site.ask("s3", "DeleteBucket", Bucket=physical_id)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN and its names."""
        region = site.region
        return {
            "Arn": f"arn:aws:s3:::{physical_id}",
            "DomainName": f"{physical_id}.s3.amazonaws.com",
            "DualStackDomainName": f"{physical_id}.s3.dualstack.{region}.amazonaws.com",
            "RegionalDomainName": f"{physical_id}.s3.{region}.amazonaws.com",
            "WebsiteURL": f"http://{physical_id}.s3-website-{region}.amazonaws.com",
        }

    def _set(self, site: Site, name: str, old: Properties, wanted: Properties) -> None:
        different = changed(old, wanted)
        for setting, (put, delete) in SETTINGS.items():
            if setting not in different:
                continue
            if wanted.get(setting):
                site.ask("s3", put, _request(setting, wanted[setting]), Bucket=name)
            elif delete:
                site.ask("s3", delete, Bucket=name)
            else:
                suspended = {"VersioningConfiguration": {"Status": "Suspended"}}
                site.ask("s3", put, suspended, Bucket=name)


class BucketPolicy(Handler):
    """The policy of a bucket."""

    type = "AWS::S3::BucketPolicy"
    required = ("Bucket", "PolicyDocument")

    def create(self, site: Site, wanted: Properties) -> str:
        """Set it."""
        known(self.type, wanted, "Bucket PolicyDocument")
        self._put(site, wanted)
        return site.begun(str(wanted["Bucket"]))

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Set it anew."""
        self._put(site, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Take it away."""
        site.ask("s3", "DeleteBucketPolicy", Bucket=physical_id)

    def _put(self, site: Site, wanted: Properties) -> None:
        policy = text(wanted["PolicyDocument"])
        site.ask("s3", "PutBucketPolicy", Bucket=wanted["Bucket"], Policy=policy)


def _request(setting: str, value: Any) -> dict[str, Any]:
    """Return a property as the member of its operation."""
    if setting == "BucketEncryption":
        wanted = value["ServerSideEncryptionConfiguration"]
        name = "ServerSideEncryptionByDefault"
        encryption = [renamed(rule, {name: f"Apply{name}"}) for rule in wanted]
        return {"ServerSideEncryptionConfiguration": {"Rules": encryption}}
    if setting == "LifecycleConfiguration":
        return {"LifecycleConfiguration": {"Rules": rules(value["Rules"])}}
    if setting == "Tags":
        return {"Tagging": {"TagSet": tags.listed(value)}}
    return {setting: value}


def _canned(access: str) -> str:
    """Return a canned ACL as S3 calls it: ``PublicRead`` is ``public-read``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", access).lower()
