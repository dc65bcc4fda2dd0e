"""An existing CDK app, with a stage and stacks of its own, that adds a model endpoint.

Needs an account with `cdk bootstrap`. A pipeline passes what it has just pushed, in this folder:
`cdk deploy 'Production/*' -c digest=sha256:… -c model=model/churn-2.tar.gz`.
"""

import aws_cdk as cdk
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
    Scaling,
)


class Storage(cdk.Stack):
    """What the platform has: a bucket, and the repository that images are pushed to."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(self, "Bucket", encryption=s3.BucketEncryption.S3_MANAGED)
        self.repository = ModelRepository(self, "Models", repository_name="models")


class Churn(cdk.Stack):
    """The endpoint of one team, and the role of the application that calls it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, storage: Storage, digest: str, model: str
    ) -> None:
        super().__init__(scope, construct_id)
        endpoint = ModelEndpoint(
            self,
            "Churn",
            endpoint_name="churn",
            image=ModelImage.from_repository(storage.repository, digest),
            data=ModelData.from_bucket(storage.bucket, model),
            variants=[
                InstanceVariant(
                    instance_type="ml.m5.large",
                    scaling=Scaling.on_invocations(600, min_capacity=1, max_capacity=4),
                )
            ],
            data_capture=DataCapture(
                bucket=storage.bucket, prefix="capture/churn/", sampling_percent=5
            ),
        )
        caller = iam.Role(
            self, "Caller", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com")
        )
        endpoint.grants.invoke(caller)


class Production(cdk.Stage):
    """The platform in one account."""

    def __init__(self, scope: Construct, construct_id: str, *, digest: str, model: str) -> None:
        super().__init__(scope, construct_id)
        storage = Storage(self, "Storage")
        Churn(self, "Churn", storage=storage, digest=digest, model=model)


app = cdk.App()
digest = app.node.try_get_context("digest")
if digest is None:
    # A placeholder would be deployed, and fail only when SageMaker pulls it.
    raise SystemExit("no image: pass -c digest=sha256:…, as `docker push` printed it")
Production(
    app,
    "Production",
    digest=digest,
    model=app.node.try_get_context("model") or "model/churn-1.tar.gz",
)
app.synth()
