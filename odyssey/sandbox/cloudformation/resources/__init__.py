"""The types of resources that stacks may have, and what makes each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odyssey.sandbox.cloudformation.resources.handler import Handler


@cache
def handlers() -> dict[str, Handler]:
    """Return the handler of each type that is known."""
    from odyssey.sandbox.cloudformation.resources import (
        ecr,
        iam,
        keeping,
        lambda_,
        messaging,
        nothing,
        s3,
        sagemaker,
        scheduling,
        watching,
    )

    made: list[Handler] = [
        ecr.Repository(),
        iam.ManagedPolicy(),
        iam.Policy(),
        iam.Role(),
        keeping.Key(),
        keeping.KeyAlias(),
        keeping.Parameter(),
        lambda_.Alias(),
        lambda_.EventInvokeConfig(),
        lambda_.Function(),
        lambda_.Permission(),
        lambda_.Url(),
        lambda_.Version(),
        messaging.Queue(),
        messaging.Rule(),
        messaging.Subscription(),
        messaging.Topic(),
        nothing.Metadata(),
        nothing.WaitConditionHandle(),
        s3.Bucket(),
        s3.BucketPolicy(),
        sagemaker.Endpoint(),
        sagemaker.EndpointConfig(),
        sagemaker.Model(),
        scheduling.Schedule(),
        watching.Alarm(),
        watching.Dashboard(),
        watching.LogGroup(),
        watching.ScalableTarget(),
        watching.ScalingPolicy(),
    ]
    return {each.type: each for each in made}
