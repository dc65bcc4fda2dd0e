"""An app of N endpoints, ten a stack: ``python app.py N``."""

import sys

import aws_cdk as cdk

from cdk_constructs import ModelData, ModelEndpoint, ModelImage

DIGEST = "sha256:4b825dc642cb6eb9a060e54bf8d69288fbee4904e4b9a3a8f4a5c1a2b3c4d5e6"
A_STACK = 10

app = cdk.App()
count = int(sys.argv[1])
for number in range(count):
    if number % A_STACK == 0:
        stack = cdk.Stack(
            app, f"endpoints-{number // A_STACK}", synthesizer=cdk.BootstraplessSynthesizer()
        )
    ModelEndpoint(
        stack,
        f"Endpoint{number}",
        endpoint_name=f"iris-{number}",
        image=ModelImage.from_uri(f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@{DIGEST}"),
        data=ModelData.from_uri(f"s3://iris-models/{number}/model.tar.gz"),
    )
app.synth()
