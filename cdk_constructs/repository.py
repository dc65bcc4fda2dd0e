"""The ECR repository of a model's images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnDeletionPolicy, Duration, RemovalPolicy
from aws_cdk import aws_ecr as ecr

from cdk_constructs.validation import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

# ECR also takes doubled hyphens and underscores, but the CDK does not.
_NAME = r"(?=.{2,256}$)[a-z0-9]+(?:[._-][a-z0-9]+)*(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)*"
_NAME_RULE = (
    "must be 2 to 256 lower-case letters and digits, with single dots, hyphens, underscores or "
    "slashes between them"
)


class ModelRepository(ecr.Repository):
    """A repository whose tags cannot be moved, whose images are scanned when they are pushed.

    ECR does not know which images an endpoint or a function uses, and both fetch theirs again when
    they grow or roll back. Only untagged images expire, therefore.

    A repository that CloudFormation replaces stays, with its images, whatever `removal_policy` is:
    until the deployment is over, and if it fails, endpoints and functions run on them.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        repository_name: 2 to 256 characters; a change makes another, empty repository. Default a
            name by CloudFormation.
        encryption_key: The KMS key of the images; a change makes another, empty repository, which
            needs another name too, if `repository_name` is set. Default a key of AWS.
        untagged_days: Days after which an untagged image expires, at least 1; default 14.
        removal_policy: What happens to the repository when it leaves the stack. Default it stays;
            with ``DESTROY`` it goes with all images.

    Raises:
        ValueError: The name or the numbers break ECR's rules.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html

    Example:
        >>> repository = ModelRepository(stack, "Repository", untagged_days=3)
        >>> image = ModelImage.from_repository(repository, digest)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository_name: str | None = None,
        encryption_key: kms.IKey | None = None,
        untagged_days: int = 14,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        problems = Problems.of(scope, construct_id)
        problems.matches("repository_name", repository_name, _NAME, _NAME_RULE)
        problems.whole("untagged_days", untagged_days, low=1)
        problems.raise_any()
        super().__init__(
            scope,
            construct_id,
            repository_name=repository_name,
            encryption_key=encryption_key,
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            lifecycle_rules=[_untagged(untagged_days)],
            empty_on_delete=True if removal_policy is RemovalPolicy.DESTROY else None,
            removal_policy=removal_policy,
        )
        resource = self.node.default_child
        if isinstance(resource, ecr.CfnRepository):
            resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN


def _untagged(days: int) -> ecr.LifecycleRule:
    return ecr.LifecycleRule(
        description="Expire what lost its tag",
        tag_status=ecr.TagStatus.UNTAGGED,
        max_image_age=Duration.days(days),
    )
