"""A statement of a policy in plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from odyssey.review.permissions.statements import Held

VERBS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("do anything", ("*", "*:*")),
    ("read objects", ("s3:getobject", "s3:getobjectversion", "s3:getobject*")),
    ("write objects", ("s3:putobject", "s3:abortmultipartupload", "s3:putobject*")),
    ("delete objects", ("s3:deleteobject", "s3:deleteobjectversion", "s3:deleteobject*")),
    ("list objects", ("s3:listbucket", "s3:list*")),
    ("see where the bucket is", ("s3:getbucketlocation",)),
    (
        "pull images",
        ("ecr:batchchecklayeravailability", "ecr:batchgetimage", "ecr:getdownloadurlforlayer"),
    ),
    (
        "push images",
        (
            "ecr:putimage",
            "ecr:initiatelayerupload",
            "ecr:uploadlayerpart",
            "ecr:completelayerupload",
        ),
    ),
    ("log in to the registry", ("ecr:getauthorizationtoken",)),
    (
        "write logs",
        (
            "logs:createloggroup",
            "logs:createlogstream",
            "logs:describelogstreams",
            "logs:putlogevents",
        ),
    ),
    ("publish metrics", ("cloudwatch:putmetricdata",)),
    ("read alarms", ("cloudwatch:describealarms",)),
    ("decrypt", ("kms:decrypt",)),
    ("encrypt", ("kms:encrypt", "kms:generatedatakey", "kms:generatedatakey*", "kms:reencrypt*")),
    ("let others use the key", ("kms:creategrant",)),
    ("see the key", ("kms:describekey",)),
    ("call functions", ("lambda:invokefunction",)),
    ("call function URLs", ("lambda:invokefunctionurl",)),
    (
        "call endpoints",
        (
            "sagemaker:invokeendpoint",
            "sagemaker:invokeendpointasync",
            "sagemaker:invokeendpointwithresponsestream",
        ),
    ),
    ("hand roles to services", ("iam:passrole",)),
    (
        "take the role",
        ("sts:assumerole", "sts:assumerolewithwebidentity", "sts:assumerolewithsaml"),
    ),
    ("publish to topics", ("sns:publish",)),
    ("send messages", ("sqs:sendmessage",)),
    ("receive messages", ("sqs:receivemessage", "sqs:deletemessage")),
    ("read secrets", ("secretsmanager:getsecretvalue",)),
)
"""What actions mean, the words first; an action that is in none is told by its own name."""

ENOUGH = 4
"""Actions of one service that are told by their names; of more, the first three are."""

_ARN = re.compile(r"arn:[^:]*:(?P<service>[^:]*):[^:]*:[^:]*:(?P<rest>.*)", re.DOTALL)
_PART = re.compile(r"\$\{([^}]+)\}")
_ACCOUNT = re.compile(r"(?:arn:[^:]*:iam::)?(\d{12}|ACCOUNT)(?::root)?")
_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "REGION",
    "AWS::AccountId": "ACCOUNT",
    "AWS::URLSuffix": "amazonaws.com",
}
_INSIDE = {"s3", "ecr", "logs"}
"""Services whose resources have something in them."""


@dataclass(frozen=True)
class Titles:
    """What a reader knows the resources of a stack by.

    Args:
        names: Their construct paths or logical ids, by logical id.
        types: Their types, by logical id.
    """

    names: Mapping[str, str]
    types: Mapping[str, str]

    def written(self, text: str) -> str:
        """Return a text with each ``${NAME}`` in it as a reader knows it."""
        return _PART.sub(lambda found: self._part(found[1]) or found[0], text)

    def _part(self, name: str) -> str:
        id_ = name.partition(".")[0]
        return _PSEUDO.get(name) or self.names.get(id_, "") or _imported(name)

    def whole(self, text: str) -> tuple[str, str, str] | None:
        """Return the noun, the name and what follows of a text that begins with a resource."""
        found = _PART.match(text.partition(":::")[2] or text)
        id_ = found[1].partition(".")[0] if found else ""
        if found is None or id_ not in self.names:
            return None
        rest = (text.partition(":::")[2] or text)[found.end() :]
        return _noun(self.types[id_]), self.names[id_], self.written(rest)


def _noun(type_: str) -> str:
    """Return what a resource is, in words: ``AWS::Logs::LogGroup`` is a ``log group``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type_.rpartition("::")[2]).lower()


def _imported(name: str) -> str:
    """Return what the CDK's name of an export tells of its resource, or nothing."""
    found = re.search(r":ExportsOutput(?:Ref|FnGetAtt)(\w+?)[0-9A-F]{8}", name)
    return found[1] if found else ""


def sentence(held: Held, titles: Titles) -> str:
    """Return a statement as a sentence without its end.

    Args:
        held: The statement.
        titles: What readers know resources by.

    Example:
        ``may read objects in the bucket Artifacts under model/*``
    """
    if held.kind == "managed":
        name = titles.written(next(iter(held.texts("Managed")), ""))
        name = name.rpartition("/")[2] or name
        if held.allows:
            return f"has the managed policy {name}"
        return f"can do no more than the permissions boundary {name} lets it"
    may = "may" if held.allows else "may never"
    who = f"{_and(_principals(held, titles))} " if held.kind != "identity" else ""
    told = f"{who}{may} {_actions(held)}"
    if held.kind != "trust":
        told += _resources(held, titles)
    return told + _conditions(held, titles)


def _principals(held: Held, titles: Titles) -> list[str]:
    if "NotPrincipal" in held.statement:
        return ["anybody but a few"]
    return [_principal(kind, value, titles) for kind, value in held.principals] or ["nobody"]


def _principal(kind: str, value: str, titles: Titles) -> str:
    if value == "*":
        return "anybody"
    if kind == "Service":
        return f"the service {titles.written(value)}"
    told = titles.written(value)
    if kind == "Federated":
        return f"who signs in through {told}"
    account = _ACCOUNT.fullmatch(told)
    if account:
        return f"whom {'this account' if account[1] == 'ACCOUNT' else f'account {account[1]}'} lets"
    return told


def _actions(held: Held) -> str:
    if "NotAction" in held.statement:
        return f"do anything but {_and(held.texts('NotAction'))}"
    actions = list(held.texts("Action"))
    if actions and all(":" in each and each.endswith(":*") for each in actions):
        services = [each.partition(":")[0] for each in actions]
        return f"do anything in {_and(services)} ({', '.join(actions)})"
    words, rest = [], {each.lower(): each for each in actions}
    for text, known in VERBS:
        found = [each for each in known if each in rest]
        if found:
            words.append(text)
            for each in found:
                del rest[each]
    others = list(_shortened(rest.values()))
    return _and([*words, *(f"call {each}" for each in others[:1]), *others[1:]])


def _shortened(actions: Iterable[str]) -> Iterator[str]:
    services: dict[str, list[str]] = {}
    for each in actions:
        services.setdefault(each.partition(":")[0], []).append(each)
    for service, own in services.items():
        kept = own if len(own) <= ENOUGH else own[: ENOUGH - 1]
        yield from kept
        if len(kept) < len(own):
            yield f"{len(own) - len(kept)} more of {service}"


def _resources(held: Held, titles: Titles) -> str:
    if "NotResource" in held.statement:
        excepted = [_resource(each, titles)[1] for each in held.texts("NotResource")]
        return f" on everything but {_and(excepted)}"
    texts = held.texts("Resource")
    if held.kind == "resource" and all(_is_itself(held, each, titles) for each in texts):
        return ""
    if "*" in texts:
        return " on anything"
    found = [_resource(each, titles) for each in texts]
    how = {preposition for preposition, _ in found}
    told = _and(dict.fromkeys(text for _, text in found))
    return f" {how.pop() if len(how) == 1 else 'on'} {told}" if found else ""


def _is_itself(held: Held, text: str, titles: Titles) -> bool:
    whole = titles.whole(text)
    return text == "*" or (whole is not None and whole[1] == held.holder)


def _resource(text: str, titles: Titles) -> tuple[str, str]:
    """Return how a resource is spoken of: ``in``, ``with`` or ``on``, and its name."""
    whole = titles.whole(text)
    if whole is not None:
        noun, name, rest = whole
        how = "in" if noun in {"bucket", "repository", "log group"} else "on"
        return "with" if noun == "key" else how, f"the {noun} {name}{_below(rest)}"
    written = titles.written(text)
    arn = _ARN.fullmatch(written)
    if arn is None:
        return "on", written
    service, rest = arn["service"], arn["rest"]
    how = "in" if service in _INSIDE else "with" if service == "kms" else "on"
    if service == "s3":
        name, slash, below = rest.partition("/")
        return how, f"the bucket {name}{_below(slash + below)}"
    kind, *more = re.split(r"[/:]", rest, maxsplit=1)
    name = more[0].lstrip(":") if more else ""
    return how, f"the {kind.replace('-', ' ')} {name}" if name else f"the {service} {rest}"


def _below(rest: str) -> str:
    if rest in {"/*", ":*"}:
        return " (everything in it)"
    return f" under {rest.lstrip('/:')}" if rest else ""


def _conditions(held: Held, titles: Titles) -> str:
    told = []
    for operator, key, values in held.conditions_as_written:
        short = operator.removesuffix("IfExists").rpartition(":")[2]
        either = " or ".join(
            "this account" if value == "${AWS::AccountId}" else titles.written(value)
            for value in values
        )
        told.append(f"{key} {_OPERATORS.get(short, short)} {either}")
    return f", if {' and '.join(told)}" if told else ""


_OPERATORS = {
    "StringEquals": "is",
    "StringEqualsIgnoreCase": "is",
    "ArnEquals": "is",
    "StringLike": "is like",
    "ArnLike": "is like",
    "StringNotEquals": "is not",
    "ArnNotEquals": "is not",
    "Bool": "is",
    "NumericLessThan": "is less than",
    "IpAddress": "is in",
    "NotIpAddress": "is not in",
}


def _and(words: Iterable[str]) -> str:
    *others, last = list(words) or [""]
    return f"{', '.join(others)} and {last}" if others else last
