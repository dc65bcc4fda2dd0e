"""What each request to AWS takes in rights, and a note of every request that this process makes.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import SimpleNamespace
from typing import Any

import botocore.handlers
import pytest

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ANY = "*"

Params = Mapping[str, Any]
Context = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Right:
    """An action on a resource, with the values of condition keys."""

    action: str
    resource: str
    context: Context = ()


@dataclass
class Requests:
    """The requests that any client of boto3 makes while they are noted.

    `answers` has what AWS answers to an operation, in the place of moto: the first as long as
    there are more, and the last for ever.
    """

    noted: list[tuple[str, Params]] = field(default_factory=list)
    answers: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    _depth: int = 0

    @contextmanager
    def of_odyssey(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    @contextmanager
    def of_others(self) -> Iterator[None]:
        """Note nothing, for what a child program does."""
        depth, self._depth = self._depth, 0
        try:
            yield
        finally:
            self._depth = depth

    def note(self, params: Params, model: Any, **_: Any) -> None:
        if self._depth:
            self.noted.append((f"{model.service_model.service_name}.{model.name}", dict(params)))

    def answer(self, model: Any, **_: Any) -> tuple[Any, Mapping[str, Any]] | None:
        waiting = self.answers.get(model.name)
        if not waiting or not self._depth:
            return None
        told = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        status = 403 if "Error" in told else 200
        return SimpleNamespace(status_code=status), {"ResponseMetadata": {}, **told}

    def rights(self) -> set[Right]:
        return {right for name, params in self.noted for right in RULES[name](params)}


def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    """Have every session of botocore from now on tell what it is asked for."""
    made = Requests()
    more = [("provide-client-params", made.note), ("before-call", made.answer)]
    handlers = [*botocore.handlers.BUILTIN_HANDLERS, *more]
    monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", handlers)
    return made


def allows(document: Mapping[str, Any], right: Right) -> bool:
    return any(
        any(fnmatchcase(right.action, each) for each in listed(statement["Action"]))
        and any(fnmatchcase(right.resource, each) for each in listed(statement["Resource"]))
        and all(
            fnmatchcase(dict(right.context).get(key, ""), pattern)
            for values in statement.get("Condition", {}).values()
            for key, pattern in values.items()
        )
        for statement in document["Statement"]
    )


def actions(document: Mapping[str, Any]) -> set[str]:
    return {action for statement in document["Statement"] for action in listed(statement["Action"])}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


Rule = Callable[[Params], list[Right]]


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _on_anything(action: str) -> Rule:
    return lambda _: [Right(action, ANY)]


def _stack(action: str) -> Rule:
    def rule(params: Params) -> list[Right]:
        # Of a name IAM knows no more than the beginning of the ARN.
        name = params["StackName"]
        arn = name if name.startswith("arn:") else _arn("cloudformation", f"stack/{name}/*")
        return [Right(f"cloudformation:{action}", arn)]

    return rule


def _describe_stacks(params: Params) -> list[Right]:
    if "StackName" in params:
        return _stack("DescribeStacks")(params)
    return [Right(f"cloudformation:{action}", ANY) for action in ("DescribeStacks", "ListStacks")]


def _bucket(action: str) -> Rule:
    return lambda params: [Right(action, f"arn:aws:s3:::{params['Bucket']}")]


def _object(action: str, *with_key: str) -> Rule:
    def rule(params: Params) -> list[Right]:
        key = params.get("SSEKMSKeyId")
        by_s3 = (("kms:ViaService", f"s3.{REGION}.amazonaws.com"),)
        encrypting = [Right(f"kms:{each}", key, by_s3) for each in with_key if key]
        return [Right(action, f"arn:aws:s3:::{params['Bucket']}/{params['Key']}"), *encrypting]

    return rule


def _sagemaker(action: str, kind: str, name: str, role: str = "") -> Rule:
    def rule(params: Params) -> list[Right]:
        arn = _arn("sagemaker", f"{kind}/{params[name]}")
        found = [Right(f"sagemaker:{action}", arn)]
        if params.get("Tags"):
            found.append(Right("sagemaker:AddTags", arn))
        if role:
            passed = (("iam:PassedToService", "sagemaker.amazonaws.com"),)
            found.append(Right("iam:PassRole", params[role], passed))
        return found

    return rule


def _create_repository(params: Params) -> list[Right]:
    arn = _arn("ecr", f"repository/{params['repositoryName']}")
    found = [Right("ecr:CreateRepository", arn)]
    if params.get("tags"):
        found.append(Right("ecr:TagResource", arn))
    key = params.get("encryptionConfiguration", {}).get("kmsKey")
    by_ecr = (("kms:ViaService", f"ecr.{REGION}.amazonaws.com"),)
    encrypting = ("CreateGrant", "DescribeKey", "RetireGrant")
    return found + [Right(f"kms:{each}", key, by_ecr) for each in encrypting if key]


def _describe_repositories(params: Params) -> list[Right]:
    return [
        Right("ecr:DescribeRepositories", _arn("ecr", f"repository/{name}"))
        for name in params["repositoryNames"]
    ]


def _log(action: str) -> Rule:
    def rule(params: Params) -> list[Right]:
        # Of a group IAM is asked with an empty stream behind it.
        group, stream = params["logGroupName"], params.get("logStreamName", "")
        arn = _arn("logs", f"log-group:{group}:log-stream:{stream}")
        return [Right(f"logs:{action}", arn)]

    return rule


def _get_role(params: Params) -> list[Right]:
    return [Right("iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/{params['RoleName']}")]


RULES: dict[str, Rule] = {
    "cloudformation.DescribeStacks": _describe_stacks,
    "ecr.CreateRepository": _create_repository,
    "ecr.DescribeRepositories": _describe_repositories,
    "ecr.GetAuthorizationToken": _on_anything("ecr:GetAuthorizationToken"),
    "iam.GetRole": _get_role,
    "logs.DescribeLogStreams": _log("DescribeLogStreams"),
    "logs.GetLogEvents": _log("GetLogEvents"),
    "s3.AbortMultipartUpload": _object("s3:AbortMultipartUpload"),
    "s3.CompleteMultipartUpload": _object("s3:PutObject"),
    "s3.CreateMultipartUpload": _object("s3:PutObject", "Decrypt", "GenerateDataKey"),
    "s3.GetObject": _object("s3:GetObject"),
    "s3.HeadBucket": _bucket("s3:ListBucket"),
    "s3.HeadObject": _object("s3:GetObject"),
    "s3.ListObjectsV2": _bucket("s3:ListBucket"),
    "s3.PutObject": _object("s3:PutObject", "GenerateDataKey"),
    "s3.UploadPart": _object("s3:PutObject"),
    "sagemaker.ListTags": lambda params: [Right("sagemaker:ListTags", params["ResourceArn"])],
    # Whoever has credentials may ask whose they are.
    "sts.GetCallerIdentity": lambda _: [],
}
for _name in (
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeStackEvents",
    "ExecuteChangeSet",
    "GetTemplate",
    "ListStackResources",
):
    RULES[f"cloudformation.{_name}"] = _stack(_name)
for _word, _kind in (("Training", "training-job"), ("Transform", "transform-job")):
    for _verb in ("Create", "Describe", "Stop"):
        _role = "RoleArn" if (_verb, _word) == ("Create", "Training") else ""
        _made = f"{_verb}{_word}Job"
        RULES[f"sagemaker.{_made}"] = _sagemaker(_made, _kind, f"{_word}JobName", _role)
for _made in ("ListEndpoints", "ListModels", "ListTrainingJobs", "ListTransformJobs"):
    RULES[f"sagemaker.{_made}"] = _on_anything(f"sagemaker:{_made}")
for _verb in ("Create", "Delete", "Describe"):
    _role = "ExecutionRoleArn" if _verb == "Create" else ""
    RULES[f"sagemaker.{_verb}Model"] = _sagemaker(f"{_verb}Model", "model", "ModelName", _role)
for _kind, _word in (("endpoint", "Endpoint"), ("endpoint-config", "EndpointConfig")):
    RULES[f"sagemaker.Describe{_word}"] = _sagemaker(f"Describe{_word}", _kind, f"{_word}Name")
for _made in ("InvokeEndpoint", "InvokeEndpointAsync"):
    RULES[f"sagemaker-runtime.{_made}"] = _sagemaker(_made, "endpoint", "EndpointName")
