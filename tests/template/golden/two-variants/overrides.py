"""An A/B test of two models, and a third model in the shadow of a live one."""

import aws_cdk as cdk

from cdk_constructs import InstanceVariant, ModelData, ModelEndpoint, ModelImage, SageMakerModel

IMAGE = (
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris"
    "@sha256:4b825dc642cb6eb9a060e54bf8d69288fbee4904e4b9a3a8f4a5c1a2b3c4d5e6"
)


def model(stack: cdk.Stack, name: str) -> SageMakerModel:
    return SageMakerModel(
        stack,
        name,
        image=ModelImage.from_uri(IMAGE),
        data=ModelData.from_uri(f"s3://iris-models/{name.lower()}/model.tar.gz"),
    )


def override(stacks) -> None:
    stack = cdk.Stack(
        stacks.foundation.node.root,
        "iris-variants",
        synthesizer=cdk.BootstraplessSynthesizer(),
        analytics_reporting=False,
    )
    live = model(stack, "Live")
    ModelEndpoint(
        stack,
        "AbTest",
        endpoint_name="iris-ab",
        variants=[
            InstanceVariant(model=live, name="A", weight=9),
            InstanceVariant(model=model(stack, "Candidate"), name="B", weight=1),
        ],
    )
    ModelEndpoint(
        stack,
        "Shadowed",
        endpoint_name="iris-shadowed",
        variants=[InstanceVariant(model=live)],
        shadow_variants=[InstanceVariant(model=model(stack, "Next"), name="Shadow", weight=0.5)],
    )
