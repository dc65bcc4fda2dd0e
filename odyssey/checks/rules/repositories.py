"""Rules of image repositories: what keeps the images that run, and who may pull them.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from odyssey.checks import limits, policies
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule
from odyssey.checks.template import UNKNOWN

if TYPE_CHECKING:
    from odyssey.checks.template import Path_, Resource, Template

REPOSITORY = "AWS::ECR::Repository"

_NAMES = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html"
_LIFECYCLE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html"
_IN_USE = "https://github.com/CloudSnorkel/cdk-github-runners/issues/988"
_SCHEMA = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
    "aws-resource-ecr-repository.html"
)
_TEXT: Path_ = ("LifecyclePolicy", "LifecyclePolicyText")

_FEW = 10
"""Images below which a rule of a lifecycle may reach one that still runs, or a rollback needs."""

_COUNTS = ("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")


@rule(
    "ECR101",
    Severity.ERROR,
    "template",
    "A repository's name is in lower case",
    source=_NAMES,
    fix="leave the name to CloudFormation, or write it in lower case, parts parted by . _ - or /",
)
def name(found: Template) -> Iterator[Fault]:
    """ECR refuses other names, and Docker cannot push to them."""
    limit = limits.of("ecr", "CreateRepository", "repositoryName")
    for each in found.of(REPOSITORY):
        for path, value in each.each("RepositoryName"):
            if value and not limit.admits(value):
                yield Fault(f'the name "{value}"', each, path, value, limit.describe())


@rule(
    "ECR102",
    Severity.WARNING,
    "template",
    "A lifecycle policy keeps the images that run",
    source=f"{_IN_USE}, {_LIFECYCLE}",
    fix=f"expire untagged images only, or keep {_FEW} images or more of each kind",
)
def lifecycle(found: Template) -> Iterator[Fault]:
    """A lifecycle policy knows nothing of endpoints and functions: it expires what they run.

    SageMaker pulls the image again when it scales or replaces an instance, and CloudFormation when
    it rolls back to the last release, which then ends in UPDATE_ROLLBACK_FAILED.
    """
    for each in found.of(REPOSITORY):
        for number, entry in enumerate(_rules(each)):
            chosen = entry.get("selection")
            if not isinstance(chosen, Mapping) or chosen.get("tagStatus") not in ("any", "tagged"):
                continue
            kind, count = chosen.get("countType"), limits.number(chosen.get("countNumber"))
            images = f"{chosen['tagStatus']} images" if chosen["tagStatus"] == "tagged" else "any"
            if kind == "sinceImagePushed":
                message = f"{images} {count} days old are expired, also one that runs"
            elif kind == "imageCountMoreThan" and count is not None and count < _FEW:
                message = f"{images} but the last {count} are expired, also one that runs"
            else:
                continue
            limit = f"untagged images, or {_FEW} and more that are kept"
            yield Fault(f"rule {number + 1}: {message}", each, _TEXT, count, limit)


@rule(
    "ECR103",
    Severity.ERROR,
    "template",
    "A lifecycle policy is one that ECR can read",
    source=_LIFECYCLE,
    fix="mend the rule as the message says",
)
def lifecycle_form(found: Template) -> Iterator[Fault]:
    """ECR refuses a policy that it cannot read, and with it the repository."""
    for each in found.of(REPOSITORY):
        text = each.get(*_TEXT)
        for problem in _problems(text) if isinstance(text, str) else ():
            yield Fault(problem, each, _TEXT, text, "a policy as ECR describes it")


@rule(
    "ECR104",
    Severity.INFO,
    "template",
    "A tag is not moved to another image",
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html",
    fix="set ImageTagMutability: IMMUTABLE, and give each image a tag of its own",
)
def mutable(found: Template) -> Iterator[Fault]:
    """An image that loses its tag is soon expired, though an endpoint may run it."""
    for each in found.of(REPOSITORY):
        if each.get("ImageTagMutability") in (None, "MUTABLE"):
            yield Fault("tags may be moved", each, ("ImageTagMutability",), "MUTABLE", "IMMUTABLE")


@rule(
    "ECR105",
    Severity.INFO,
    "template",
    "Images are scanned when they are pushed",
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-basic.html",
    fix="set ImageScanningConfiguration.ScanOnPush: true, unless the registry scans by itself",
)
def unscanned(found: Template) -> Iterator[Fault]:
    """A scan of ECR costs nothing, and tells what is known of the packages in an image."""
    path = ("ImageScanningConfiguration", "ScanOnPush")
    for each in found.of(REPOSITORY):
        if each.get(*path) in (None, False, "false"):
            yield Fault("images are not scanned", each, path, each.get(*path), "true")


@rule(
    "ECR106",
    Severity.INFO,
    "template",
    "A repository's key is chosen at the beginning",
    source=_SCHEMA,
    fix="set EncryptionConfiguration now, if the images shall ever have a key of yours",
)
def key(found: Template) -> Iterator[Fault]:
    """Another encryption means another repository, and the images stay in the old one."""
    for each in found.of(REPOSITORY):
        if each.raw("EncryptionConfiguration") is None:
            path = ("EncryptionConfiguration",)
            yield Fault("the key of AWS: another one replaces the repository", each, path)


@rule(
    "ECR107",
    Severity.WARNING,
    "template",
    "A repository's images outlive its stack",
    source=f"{_SCHEMA}, https://github.com/aws/aws-cdk/issues/12618",
    fix="set DeletionPolicy and UpdateReplacePolicy: Retain, or leave EmptyOnDelete out",
)
def emptied(found: Template) -> Iterator[Fault]:
    """With EmptyOnDelete all images go with the stack, or with a change of name or key.

    An endpoint or a function of another stack that runs one of them cannot start again.
    """
    for each in found.of(REPOSITORY):
        empties = each.get("EmptyOnDelete") in (True, "true")
        kept = each.definition.get("DeletionPolicy", "Delete")
        if empties and kept == "Delete":
            yield Fault(
                "all images are deleted with the repository",
                each,
                ("EmptyOnDelete",),
                True,
                "DeletionPolicy: Retain",
            )


@rule(
    "ECR108",
    Severity.WARNING,
    "template",
    "A repository lets Lambda pull what its functions run",
    source=(
        "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html, "
        "https://github.com/aws-controllers-k8s/community/issues/1886"
    ),
    fix=(
        "allow lambda.amazonaws.com ecr:BatchGetImage and ecr:GetDownloadUrlForLayer in "
        "RepositoryPolicyText"
    ),
)
def lambda_pull(found: Template) -> Iterator[Fault]:
    """Lambda pulls by the repository's policy.

    Lambda adds it only for a caller with ecr:SetRepositoryPolicy, and not when a function is
    updated, so that a later deployment fails.
    """
    for function in found.of("AWS::Lambda::Function"):
        repository = function.target("Code", "ImageUri")
        if repository is None or repository.type != REPOSITORY:
            continue
        if not _lets_lambda_pull(repository):
            yield Fault(
                f"lambda.amazonaws.com may not pull the image of {function.id}",
                repository,
                ("RepositoryPolicyText",),
                None,
                "ecr:BatchGetImage and ecr:GetDownloadUrlForLayer for lambda.amazonaws.com",
            )


def _lets_lambda_pull(repository: Resource) -> bool:
    raw = repository.raw("RepositoryPolicyText")
    if raw is not None and repository.get("RepositoryPolicyText") is UNKNOWN:
        return True
    wanted = {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
    for statement in policies.of(repository, "resource"):
        names = {who for _, who in statement.principals}
        if names & {"lambda.amazonaws.com", "*"} or any(policies.HOLE in who for who in names):
            wanted = {action for action in wanted if not statement.grants(action)}
    return not wanted


@rule(
    "ECR109",
    Severity.WARNING,
    "template",
    "A repository is not everybody's",
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html",
    fix="name the accounts, or add a condition such as aws:PrincipalOrgID",
)
def open_repository(found: Template) -> Iterator[Fault]:
    """With Principal ``*`` every account of AWS can pull the image, with the model baked in it."""
    for each in found.of(REPOSITORY):
        for statement in policies.of(each, "resource"):
            if statement.open:
                path = (*statement.path, "Principal")
                yield Fault("everybody may use the repository", each, path, "*", "named accounts")


def _rules(repository: Resource) -> list[Mapping[str, Any]]:
    text = repository.get(*_TEXT)
    document = _json(text) if isinstance(text, str) else None
    rules = document.get("rules") if isinstance(document, Mapping) else None
    return [each for each in rules if isinstance(each, Mapping)] if isinstance(rules, list) else []


def _problems(text: str) -> Iterator[str]:
    document = _json(text)
    rules = document.get("rules") if isinstance(document, Mapping) else None
    if not isinstance(rules, list) or not all(isinstance(each, Mapping) for each in rules):
        yield "no JSON with a list of rules"
        return
    priorities = [each.get("rulePriority") for each in rules]
    if len(set(map(str, priorities))) < len(priorities):
        yield f"two rules have one priority: {', '.join(map(str, priorities))}"
    for number, each in enumerate(rules, 1):
        chosen = each.get("selection")
        if not isinstance(chosen, Mapping):
            yield f"rule {number} has no selection"
            continue
        for problem in _selection(chosen):
            yield f"rule {number}: {problem}"


def _selection(chosen: Mapping[str, Any]) -> Iterator[str]:
    status, kind, unit = (chosen.get(name) for name in ("tagStatus", "countType", "countUnit"))
    if status not in ("tagged", "untagged", "any"):
        yield f'tagStatus is "{status}": tagged, untagged or any'
    if status == "tagged" and not (chosen.get("tagPrefixList") or chosen.get("tagPatternList")):
        yield "tagged images without a tagPrefixList or a tagPatternList"
    if kind not in _COUNTS:
        yield f'countType is "{kind}": {" or ".join(_COUNTS[:2])}'
    elif kind != "imageCountMoreThan" and unit != "days":
        yield f"{kind} without countUnit days"
    count = limits.number(chosen.get("countNumber"))
    if count is None or count < 1:
        yield f"countNumber is {chosen.get('countNumber')}: 1 or more"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
