"""The stacks: Platform is what was there before, Churn is what one team adds to it."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_constructs import (
    DataCapture,
    InstanceVariant,
    ModelData,
    ModelEndpoint,
    ModelImage,
    ModelRepository,
    Network,
    Scaling,
)


class Platform(cdk.Stack):
    """What the platform has: a bucket, a repository for images, the role of the shop's service."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(self, "Bucket", encryption=s3.BucketEncryption.S3_MANAGED)
        self.repository = ModelRepository(self, "Models", repository_name="models")
        self.shop = iam.Role(
            self, "Shop", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com")
        )
        cdk.CfnOutput(self, "BucketName", value=self.bucket.bucket_name)


class Churn(cdk.Stack):
    """The endpoint of one team, which the shop's service may call.

    Args:
        bucket: Where the model is, and where captured requests go.
        repository: Where the image is.
        shop: The name of the role that may call it.
        digest: The image's digest, as `docker push` printed it.
        model: The model's key in the platform's bucket.
        network: Its place in a VPC. Default: none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        repository: ecr.IRepository,
        shop: str,
        digest: str,
        model: str,
        network: Network | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        endpoint = ModelEndpoint(
            self,
            "Churn",
            endpoint_name="churn",
            image=ModelImage.from_repository(repository, digest),
            data=ModelData.from_bucket(bucket, model),
            network=network,
            variants=[
                InstanceVariant(
                    instance_type="ml.m5.large",
                    scaling=Scaling.on_invocations(600, min_capacity=1, max_capacity=4),
                )
            ],
            data_capture=DataCapture(bucket=bucket, prefix="capture/churn/", sampling_percent=5),
        )
        # By its name: the grant then is a policy of this stack. Of the role itself it would be one
        # of the platform's, which would depend on this stack, and this one on it.
        endpoint.grants.invoke(iam.Role.from_role_name(self, "Shop", shop))


class Production(cdk.Stage):
    """The platform in one account.

    Args:
        digest: As of `Churn`.
        model: As of `Churn`.
        network: As of `Churn`.
        boundary: The name of the managed policy that bounds every role. Default: none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        digest: str,
        model: str,
        network: Network | None = None,
        boundary: str | None = None,
    ) -> None:
        bound = boundary and cdk.PermissionsBoundary.from_name(boundary)
        super().__init__(scope, construct_id, permissions_boundary=bound or None)
        self.platform = Platform(self, "Platform")
        self.churn = Churn(
            self,
            "Churn",
            bucket=self.platform.bucket,
            repository=self.platform.repository,
            shop=self.platform.shop.role_name,
            digest=digest,
            model=model,
            network=network,
        )
