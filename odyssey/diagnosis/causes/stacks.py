"""Causes in what CloudFormation does with a stack and its resources."""

from __future__ import annotations

from odyssey.diagnosis.causes import cause
from odyssey.diagnosis.causes.cause import REFUSAL, SYMPTOM, Cause, Sign, stands
from odyssey.diagnosis.evidence import ENDPOINT, FUNCTION, STACK

_TROUBLES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"

_DEPLOYED = frozenset({STACK, ENDPOINT, FUNCTION})
"""What a stack makes; a job's own words may be like these by chance."""


def refused(pattern: str) -> Sign:
    """Return a sign in what AWS says of a stack or of what it makes."""
    return cause.refused(pattern, _DEPLOYED)


CAUSES = (
    Cause(
        "custom-name-replacement",
        "{resource} has a name of its own and must be replaced, and two cannot have one name",
        "CloudFormation makes the new resource before it removes the old one.",
        "take the name out of the template, or change it together with the rest; models and "
        "endpoint configurations never take one",
        "https://repost.aws/knowledge-center/cloudformation-custom-name",
        REFUSAL,
        (
            refused(
                r"cannot update a stack when a custom-named resource requires replacing"
                r"(?:\. Rename (?P<resource>.+?) and update)?"
            ),
        ),
        otherwise={"resource": "a resource"},
    ),
    Cause(
        "already-exists",
        "something of this name is there already: {resource}",
        "It was made by hand, by another stack, or was kept when a stack was deleted. A fixed name "
        "also collides with itself where the resource must be replaced.",
        "delete what is there, give another name, or import it into the stack: cdk import",
        _TROUBLES,
        REFUSAL,
        (
            refused(r"Cannot create already existing [\w-]+ \"?(?P<resource>[^\s\"]+)"),
            refused(r"with identifier '(?P<resource>[^']+)' already exists"),
            refused(r"(?P<resource>[\w./:-]{2,}) already exists(?! in stack)"),
            refused(r"Resource of type '(?P<resource>[\w:]+)' .*already exists"),
        ),
        unless=(refused(r"custom-named resource requires replacing"),),
    ),
    Cause(
        "config-in-use",
        "the endpoint configuration {resource} is in use",
        "A configuration must stay as long as an endpoint is made from it, updated to it, or "
        "serves it.",
        "update or delete the endpoint first, then the configuration",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteEndpointConfig.html",
        REFUSAL,
        (
            refused(
                r"(?i)endpoint[ -]?config(?:uration)?\S* ?\"?(?P<resource>[\w:/-]*)\"? (?:is )?"
                r"(?:currently )?in[ -]use|cannot delete in-use endpoint[ -]?config"
            ),
        ),
        otherwise={"resource": "of the endpoint"},
    ),
    Cause(
        "not-found-yet",
        "SageMaker does not find {resource}",
        "It was deleted, or was made a moment ago: what is made is not visible everywhere at once.",
        "run the command again; if it stays so, deploy the stack anew: the name that is referred "
        "to is of a thing that somebody has deleted",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html",
        REFUSAL,
        (
            refused(
                r"Could not find (?P<resource>(?:model(?! data)|endpoint(?: configuration)?)"
                r" \"?[\w:./-]+)"
            ),
        ),
    ),
    Cause(
        "endpoint-busy",
        "SageMaker is still at work on the endpoint",
        "An endpoint that is being made or updated can be neither updated nor deleted; this may "
        "take up to an hour.",
        "wait until odyssey sagemaker status {name} says InService or Failed, then run it again",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html",
        REFUSAL,
        (refused(r"Cannot (?:update|delete) in-progress endpoint"),),
    ),
    Cause(
        "scaled-variant-blocks",
        "a variant is registered for automatic scaling, and that forbids this update",
        "The instance type of a variant cannot change, nor the variant go, while Application Auto "
        "Scaling has it as a target.",
        "deploy once without [scaling] (it deregisters the target), then with the new instance "
        "type and [scaling] again",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html",
        REFUSAL,
        (
            refused(r"(?i)variant.*deregister.*(?:scalable target|automatic scaling|autoscaling)"),
            refused(r"(?i)scalable target (?:exists|is registered) for a? ?variant"),
            refused(r"(?i)(?:scalable target|automatic scaling).*variant.*deregister"),
        ),
    ),
    Cause(
        "scaling-burstable",
        "instances of the type {type} cannot be scaled automatically",
        "Types of the families ml.t2, ml.t3 and ml.t4g have bursts instead.",
        "take another type under [endpoint] instance_type, such as ml.m5.large, or leave [scaling] "
        "out",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html",
        REFUSAL,
        (
            refused(
                r"(?i)(?:auto[ -]?scal|scalable).*(?:burstable|not supported|unsupported).*"
                r"(?P<type>ml\.t\d\w*\.\w+)"
            ),
            refused(r"(?i)(?P<type>ml\.t\d\w*\.\w+).*not support\w* .*auto[ -]?(?:matic )?scal"),
        ),
    ),
    Cause(
        "to-serverless",
        "an endpoint on instances cannot become serverless",
        "SageMaker updates a serverless endpoint to instances, and never back.",
        "give the serverless endpoint a new name ([endpoint] name), move the callers, then delete "
        "the old one",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-update-delete.html",
        REFUSAL,
        (
            refused(
                r"(?i)(?:cannot|can't|not (?:possible|supported|allowed)).*(?:updat|convert|chang)"
                r"\w*.*instance.*serverless"
            ),
            refused(
                r"(?i)(?:updat|convert|chang)\w*.*instance.*to.*serverless.*"
                r"not (?:supported|allowed)"
            ),
        ),
    ),
    Cause(
        "scale-to-zero",
        "this endpoint cannot be scaled to zero instances",
        "Zero needs inference components, and some regions refuse it all the same.",
        "set min_capacity = 1 under [scaling], or serve asynchronously or serverless",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html",
        REFUSAL,
        (
            refused(
                r"(?i)(?:MinInstanceCount|min(?:imum)? ?capacity|minimum instance count)\D{0,60}"
                r"(?:\b0\b|greater than or equal to 1|at least 1)"
            ),
        ),
    ),
    Cause(
        "bucket-not-empty",
        "the bucket {resource} has objects in it, and S3 deletes empty ones only",
        "In a bucket with versions the old versions and delete markers count, too.",
        "aws s3 rm s3://BUCKET --recursive (with versions: the console's Empty), then odyssey "
        "destroy again; or keep it: removal of the bucket is retain by default",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html",
        REFUSAL,
        (
            refused(r"bucket you tried to delete is not empty|BucketNotEmpty"),
            refused(r"[Bb]ucket (?P<resource>[\w.-]+) is not empty"),
        ),
        otherwise={"resource": "of the stack"},
    ),
    Cause(
        "repository-not-empty",
        "the repository {resource} has images in it, and ECR deletes empty ones only",
        "Only a repository with EmptyOnDelete is emptied by CloudFormation.",
        "aws ecr delete-repository --repository-name REPOSITORY --force, then odyssey destroy "
        "again",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-delete.html",
        REFUSAL,
        (
            refused(
                r"RepositoryNotEmpty|repository with name '(?P<resource>[^']+)'.*"
                r"(?:still contains|because it) .*images"
            ),
        ),
        otherwise={"resource": "of the stack"},
    ),
    Cause(
        "network-in-use",
        "a network interface is left in {resource}, which cannot be deleted",
        "SageMaker and Lambda leave interfaces in a VPC for up to an hour after the endpoint or "
        "the function has gone.",
        "wait, then delete the stack again; aws ec2 describe-network-interfaces --filters "
        "Name=group-id,Values=GROUP shows what is left",
        "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
        REFUSAL,
        (
            refused(r"resource (?P<resource>(?:sg|subnet|vpc)-\w+) has a dependent object"),
            refused(
                r"DependencyViolation|subnet '(?P<resource>subnet-\w+)' has dependencies"
                r"|[Nn]etwork interface .*(?:is )?(?:currently )?in use"
            ),
        ),
        otherwise={"resource": "the VPC"},
    ),
    Cause(
        "export-in-use",
        "another stack, {by}, uses the export {resource}",
        "What a stack exports can neither change nor go while others import it.",
        "deploy the stack that uses it first, without it; then this one",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html",
        REFUSAL,
        (
            refused(
                r"(?:Cannot (?:delete|update) export|Export) (?P<resource>\S+) (?:cannot be "
                r"(?:deleted|updated) )?as it is in use by (?P<by>[\w, -]*\w)"
            ),
        ),
        otherwise={"by": "AWS does not say which"},
    ),
    Cause(
        "protected-stack",
        "the stack is protected against its deletion",
        "Termination protection refuses every deletion until it is taken off.",
        "aws cloudformation update-termination-protection --no-enable-termination-protection "
        "--stack-name {name}",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html",
        REFUSAL,
        (refused(r"cannot be deleted while TerminationProtection is enabled"),),
    ),
    Cause(
        "not-bootstrapped",
        "the account and region are not bootstrapped for the CDK",
        "The CDK's usual way needs a bucket and roles of its own, and the parameter that tells "
        "their version.",
        "cdk bootstrap, for this account and region; or bootstrap = false under [aws] in "
        "odyssey.toml",
        "https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping.html",
        REFUSAL,
        (refused(r"/cdk-bootstrap/\w+/version|has the environment been bootstrapped\?"),),
    ),
    Cause(
        "template-too-large",
        "the template is larger than CloudFormation takes",
        "51,200 bytes in a request, 1 MB by way of S3, 500 resources.",
        "take long values out of the template (code, environment); a bootstrapped account sends it "
        "by S3: bootstrap = true under [aws]",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",
        REFUSAL,
        (
            refused(
                r"'templateBody' failed to satisfy constraint|Template may not exceed"
                r"|Template format error: Number of resources"
            ),
        ),
    ),
    Cause(
        "invalid-property",
        "AWS does not take a property of the resource: {problem}",
        "The value breaks the type's schema, or a limit that only the service knows.",
        "odyssey check finds most of these before a deployment; correct the setting in "
        "odyssey.toml or the template",
        _TROUBLES,
        REFUSAL,
        (
            refused(
                r"Properties validation failed for resource \S+ with message:\s*(?P<problem>.+)"
            ),
            refused(r"Model validation failed \((?P<problem>.+?)\)?$"),
            refused(r"Encountered unsupported property (?P<problem>\w+)"),
            refused(r"(?P<problem>[Vv]alue '[^']*' at '[\w.]+' failed to satisfy constraint)"),
        ),
        unless=(refused(r"'templateBody' failed to satisfy"),),
    ),
    Cause(
        "rollback-image-gone",
        "the stack cannot go back: the image that it ran before is gone from the repository",
        "A rollback makes the previous resources again, and needs the previous image.",
        "push the previous image again (same digest), then aws cloudformation "
        "continue-update-rollback --stack-name {name}; let lifecycle rules keep the last images",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html",
        REFUSAL + 1,
        (
            refused(
                r"(?i)(?:image|sha256:[0-9a-f]+).*(?:does not exist|not found|unknown)"
                r"|ImageNotFound"
            ),
        ),
        needs=(stands(r"^UPDATE_ROLLBACK_FAILED"),),
    ),
    Cause(
        "update-rollback-failed",
        "the update failed, and the way back failed, too",
        "Only a person gets a stack out of UPDATE_ROLLBACK_FAILED.",
        "mend what the first failed event of the rollback names, then aws cloudformation "
        "continue-update-rollback --stack-name {name} (--resources-to-skip leaves one out)",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html",
        SYMPTOM,
        (stands(r"^UPDATE_ROLLBACK_FAILED"),),
    ),
    Cause(
        "never-made",
        "the stack was never made, and can only be deleted",
        "After a failed creation CloudFormation does nothing else with a stack.",
        "odyssey deploy {name}, which asks before it deletes what is left",
        _TROUBLES,
        SYMPTOM,
        (
            stands(r"^ROLLBACK_(?:COMPLETE|FAILED)"),
            refused(r"is in ROLLBACK_COMPLETE state and can ?not be updated"),
        ),
    ),
    Cause(
        "stack-busy",
        "CloudFormation is still at work on the stack",
        "One operation at a time: a second one is refused until the first has ended.",
        "wait until it has ended, then run the command again",
        _TROUBLES,
        REFUSAL,
        (refused(r"is in (?!ROLLBACK_COMPLETE)\w*_IN_PROGRESS state and can ?not be updated"),),
    ),
)
"""The causes; where two are on one line, the earlier is the more exact."""
