"""Causes in credentials, permissions, quotas and the pace of requests."""

from __future__ import annotations

from odyssey.diagnosis.causes.cause import REFUSAL, ROOT, SYMPTOM, Cause, refused, told
from odyssey.diagnosis.evidence import FUNCTION

_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"
_ROLES = "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"

CAUSES = (
    Cause(
        "expired-token",
        "the credentials had run out when AWS was asked",
        "Temporary keys last from 15 minutes to 12 hours; what was begun with them may go on, and "
        "nothing new can be asked for.",
        "log in anew: aws sso login --profile NAME, or odyssey configure; then run the command "
        "again",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html",
        REFUSAL,
        (
            told(
                r"ExpiredToken|security token included in the request is expired|RequestExpired"
                r"|Token has expired and refresh failed",
                frozenset(),
            ),
        ),
    ),
    Cause(
        "pass-role",
        "whoever deployed may not pass the role {role} on to the service",
        "To give a service a role is a right of its own: iam:PassRole, on that role.",
        "allow iam:PassRole on the role to whoever deploys; odyssey permissions deploy prints the "
        "policy",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
        REFUSAL,
        (
            refused(
                r"not authorized to perform:? iam:PassRole(?: on resource:? (?P<role>arn:\S+role/"
                r"[\w+=,.@/-]+))?"
            ),
        ),
        otherwise={"role": "of the resource"},
    ),
    Cause(
        "role-not-assumable",
        "the service cannot take on the role {role}",
        "The role is not there, or its trust policy does not name the service: "
        "sagemaker.amazonaws.com or lambda.amazonaws.com. A role made a few seconds ago may not be "
        "visible yet.",
        'look at its trust: aws iam get-role --role-name ROLE --query "Role.'
        'AssumeRolePolicyDocument"; the stacks of odyssey deploy make a role that fits',
        _ROLES,
        REFUSAL,
        (
            refused(r"Could not assume role (?P<role>arn:[\w+=,.@:/-]*[\w/])"),
            refused(r"role defined for the function cannot be assumed by Lambda"),
            refused(r"[Pp]lease ensure that the role exists and allows principal"),
        ),
        otherwise={"role": "that it is given"},
    ),
    Cause(
        "kms-denied",
        "a key of KMS could not be used: {action}",
        "Who uses data under a key of your own needs rights on the key, too, in its policy or in "
        "IAM; a key that is disabled or about to be deleted refuses everybody.",
        "allow kms:Decrypt and kms:GenerateDataKey on the key to the role (for volumes and "
        "endpoints kms:CreateGrant, too), and look that it is enabled: aws kms describe-key "
        "--key-id KEY",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/encryption-at-rest.html",
        REFUSAL,
        (
            told(r"not authorized to perform:? (?P<action>kms:\w+)", frozenset()),
            told(
                r"(?P<action>KMSAccessDenied|KMSInvalidState|KMSDisabled|KMSNotFound)\w*",
                frozenset(),
            ),
            refused(
                r"(?i)was unable to (?P<action>decrypt)\b.*\bKMS|KMS key .* is (?:disabled|pending)"
            ),
        ),
        otherwise={"action": "AWS names no action"},
    ),
    Cause(
        "guardrail-denied",
        "a rule of the organization forbids {action}",
        "A service control policy, a resource control policy or a permissions boundary refuses; no "
        "policy of the account can allow it.",
        "ask who administers the organization, or take another region or account",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html",
        REFUSAL,
        (
            told(
                r"(?:not authorized to perform:? (?P<action>[\w-]+:\w+).*)?explicit deny in an? "
                r"(?:service control policy|resource control policy|permissions boundary)"
                r"|(?:no|because no) (?:service control policy|permissions boundary) allows",
                frozenset(),
            ),
        ),
        otherwise={"action": "what was asked for"},
    ),
    Cause(
        "image-pull-denied",
        "the image {image} may not be pulled",
        "The role, or the repository's policy where it is in another account, does not allow "
        "ecr:BatchGetImage and ecr:GetDownloadUrlForLayer; for Lambda the repository's policy must "
        "allow lambda.amazonaws.com.",
        "allow ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and ecr:BatchCheckLayerAvailability "
        "on the repository (odyssey synth writes it where the repository is the app's own)",
        _ROLES,
        REFUSAL,
        (
            refused(r"not have BatchGetImage permission for the image:? '?(?P<image>[^\s']+)"),
            refused(r"repository of your image (?P<image>\S+) does not grant ecr:"),
            refused(r"not authorized to perform:? ecr:(?:BatchGetImage|GetDownloadUrlForLayer)"),
            refused(r"Lambda does not have permission to access the ECR image"),
        ),
        otherwise={"image": "of the resource"},
    ),
    Cause(
        "not-permitted",
        "a permission is missing: {action}",
        "AWS refuses what no policy of who asks allows.",
        "allow {action} to the user or the role that the evidence names; odyssey permissions "
        "COMMAND prints what a command of odyssey needs",
        _IAM,
        ROOT,
        (
            told(r"not authorized to perform:? (?P<action>[\w-]+:\w+)", frozenset()),
            told(
                r"\(AccessDenied(?:Exception)?\) when calling the (?P<action>\w+) operation",
                frozenset(),
            ),
            refused(
                r"Access ?Denied|AccessDeniedException|API: (?P<action>[\w-]+:\w+) You are not"
            ),
        ),
        otherwise={"action": "AWS does not say which"},
    ),
    Cause(
        "quota",
        "the account may have {limit} of {quota}",
        "Many quotas of SageMaker's instance types are 0 in an account that has not used them.",
        'ask for more: Service Quotas, Amazon SageMaker, "{quota}"; or take another instance type '
        "or a smaller count",
        "https://docs.aws.amazon.com/general/latest/gr/sagemaker.html",
        REFUSAL,
        (
            told(
                r"account-level service limit '(?P<quota>[^']+)' is (?P<limit>\d+)",
                frozenset(),
            ),
            refused(
                r"ResourceLimitExceeded|(?<!Request)LimitExceededException|ServiceQuotaExceeded"
            ),
        ),
        otherwise={"quota": "the quota that the evidence names", "limit": "no more"},
    ),
    Cause(
        "throttled",
        "AWS took no more requests at this pace",
        "Each operation has a rate for the account and region; several deployments or loops "
        "together go beyond it.",
        "run it again later; let fewer things ask at once (for functions: reserved concurrency)",
        "https://docs.aws.amazon.com/general/latest/gr/api-retries.html",
        SYMPTOM,
        (
            told(
                r"ThrottlingException|\bThrottled\b|TooManyRequestsException|Rate [Ee]xceeded"
                r"|RequestLimitExceeded",
                frozenset(),
            ),
        ),
    ),
    Cause(
        "function-concurrency",
        "the account has too little concurrency left to reserve some for the function",
        "Lambda keeps 100 of an account's concurrent executions unreserved (10 in a new account).",
        "reserve less (provisioned_concurrency under [function]), or ask Service Quotas for more "
        "concurrent executions of AWS Lambda",
        "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
        REFUSAL,
        (
            refused(
                r"ReservedConcurrentExecutions for function decreases account's "
                r"UnreservedConcurrentExecution",
                frozenset({FUNCTION}),
            ),
        ),
    ),
)
"""The causes; where two are on one line, the earlier is the more exact."""
