"""An existing CDK app, with a stage and stacks of its own, that adds a model endpoint.

Needs an account with `cdk bootstrap`. A pipeline passes what it has just pushed, in this folder:
`cdk deploy 'Production/*' -c digest=sha256:… -c model=model/churn-2.tar.gz`. What is of the account
stands in cdk.json's context: `boundary`, and `subnets` with `security_groups`.
"""

import aws_cdk as cdk
from stacks import Production

from cdk_constructs import Network

app = cdk.App()
digest, subnets = app.node.try_get_context("digest"), app.node.try_get_context("subnets")
if digest is None:
    # A placeholder would be deployed, and fail only when SageMaker pulls it.
    raise SystemExit("no image: pass -c digest=sha256:…, as `docker push` printed it")
Production(
    app,
    "Production",
    digest=digest,
    model=app.node.try_get_context("model") or "model/churn-1.tar.gz",
    network=subnets
    and Network.from_ids(
        subnets=subnets, security_groups=app.node.try_get_context("security_groups")
    ),
    boundary=app.node.try_get_context("boundary"),
)
app.synth()
