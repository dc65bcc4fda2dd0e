"""What AWS answers about a thing, turned into evidence: the same for live and recorded answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.diagnosis.evidence import (
    ENDPOINT,
    EVENT,
    FUNCTION,
    LOG,
    REASON,
    STACK,
    STATUS,
    TRAINING,
    TRANSFORM,
    Evidence,
    Line,
    about_type,
    is_healthy,
    status_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_CANCELLED = ("cancelled", "canceled")
_STACK_TYPE = "AWS::CloudFormation::Stack"


def stack(state: Mapping[str, Any]) -> Evidence:
    """Return the evidence in a stack of DescribeStacks."""
    name, status = str(state["StackName"]), str(state.get("StackStatus", ""))
    when = moment(state.get("LastUpdatedTime") or state.get("CreationTime"))
    lines = [status_line(STACK, name, status, when)]
    if state.get("StackStatusReason"):
        lines.append(Line(REASON, str(state["StackStatusReason"]), f"stack {name}", when, STACK))
    return Evidence(STACK, name, status, tuple(lines), is_healthy(STACK, status))


def events(told: Iterable[Mapping[str, Any]]) -> Evidence:
    """Return the evidence in a stack's events, the newest first, as DescribeStackEvents has them.

    Only the last operation counts, and of it what failed by itself: what CloudFormation cancelled
    for another resource's sake tells nothing.
    """
    last = last_operation(list(told))
    name = str(last[0].get("StackName", "")) if last else ""
    own = [event for event in last if _is_own(event, name)]
    status = str(own[0].get("ResourceStatus", "")) if own else ""
    lines = [status_line(STACK, name, status, moment(own[0].get("Timestamp")))] if own else []
    lines += [_event(event) for event in reversed(last) if _has_failed(event)]
    return Evidence(STACK, name, status, tuple(lines), is_healthy(STACK, status))


def job(told: Mapping[str, Any]) -> Evidence:
    """Return the evidence in what DescribeTrainingJob or DescribeTransformJob answers."""
    word, kind = ("Training", TRAINING) if "TrainingJobName" in told else ("Transform", TRANSFORM)
    name, status = str(told[f"{word}JobName"]), str(told.get(f"{word}JobStatus", ""))
    ended = moment(told.get(f"{word}EndTime") or told.get("LastModifiedTime"))
    lines = [status_line(kind, name, status, ended)]
    for step in told.get("SecondaryStatusTransitions", ()):
        lines.append(_transition(step, kind, name))
    if told.get("FailureReason"):
        lines.append(_reason(told["FailureReason"], kind, name, ended))
    return Evidence(kind, name, status, tuple(lines), is_healthy(kind, status))


def endpoint(told: Mapping[str, Any]) -> Evidence:
    """Return the evidence in what DescribeEndpoint answers."""
    name, status = str(told["EndpointName"]), str(told.get("EndpointStatus", ""))
    if status == "InService" and told.get("FailureReason"):
        status = f"{status}, an update failed and went back to its previous configuration"
    changed = moment(told.get("LastModifiedTime"))
    lines = [status_line(ENDPOINT, name, status, changed)]
    if told.get("FailureReason"):
        lines.append(_reason(told["FailureReason"], ENDPOINT, name, changed))
    healthy = is_healthy(ENDPOINT, status) and not told.get("FailureReason")
    return Evidence(ENDPOINT, name, status, tuple(lines), healthy)


def function(told: Mapping[str, Any]) -> Evidence:
    """Return the evidence in what GetFunction or GetFunctionConfiguration answers."""
    made = told.get("Configuration", told)
    name, state = str(made["FunctionName"]), str(made.get("State", ""))
    changed = moment(made.get("LastModified"))
    update = str(made.get("LastUpdateStatus", ""))
    status = f"{state}, last update {update}" if update == "Failed" else state
    lines = [status_line(FUNCTION, name, status, changed)]
    for key in ("StateReason", "LastUpdateStatusReason"):
        if made.get(key):
            code = made.get(f"{key}Code")
            text = f"{code}: {made[key]}" if code else str(made[key])
            lines.append(_reason(text, FUNCTION, name, changed, key))
    return Evidence(FUNCTION, name, status, tuple(lines), is_healthy(FUNCTION, status))


def log(told: Iterable[Mapping[str, Any]], stream: str = "", about: str = "") -> list[Line]:
    """Return the lines of events of CloudWatch Logs.

    Args:
        told: The events, as GetLogEvents or FilterLogEvents has them.
        stream: The stream that they are of, where they do not say so themselves.
        about: One of the kinds of things, as far as it is known.
    """
    lines = []
    for event in told:
        named = str(event.get("logStreamName") or stream)
        text = str(event.get("message", "")).rstrip("\r\n").replace("\xa0", " ")
        text = text.replace("\r", "\n") if "[" in named else text.rpartition("\r")[2]
        origin = f"log {named}".rstrip()
        kind = about or about_stream(named)
        lines.append(Line(LOG, text, origin, moment(event.get("timestamp")), kind))
    return [line for line in lines if line.text.strip()]


def about_stream(stream: str) -> str:
    """Return which kind of thing writes to a stream of this name; empty where many may."""
    if "/[" in stream:  # 2026/01/02/[$LATEST]0123456789abcdef
        return FUNCTION
    return TRAINING if "/algo-" in stream else ""


def moment(value: object) -> str:
    """Return a time as ISO 8601: of a datetime, of milliseconds, or of a text that is one."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if value > 1e11 else value
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    return str(value) if value else ""


def nested(told: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ARNs of the stacks within a stack that failed in its last operation."""
    return [
        str(event["PhysicalResourceId"])
        for event in last_operation(list(told))
        if event.get("ResourceType") == _STACK_TYPE
        and _has_failed(event)
        and event.get("PhysicalResourceId") not in (None, "", event.get("StackId"))
    ]


def endpoints(told: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the endpoints that failed in a stack's last operation."""
    return [
        str(event["PhysicalResourceId"]).rpartition("/")[2]
        for event in last_operation(list(told))
        if event.get("ResourceType") == "AWS::SageMaker::Endpoint"
        and _has_failed(event)
        and event.get("PhysicalResourceId")
    ]


def begun(told: Sequence[Mapping[str, Any]]) -> object:
    """Return when a stack's last operation began; None where there is no event."""
    last = last_operation(list(told))
    return last[-1].get("Timestamp") if last else None


def last_operation(told: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the events, the newest first, back to the one that began the last operation."""
    for place, event in enumerate(told):
        begins = str(event.get("ResourceStatus", "")) in {
            "CREATE_IN_PROGRESS",
            "UPDATE_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
        }
        if begins and _is_own(event, str(event.get("StackName", ""))):
            return told[: place + 1]
    return told


def _is_own(event: Mapping[str, Any], name: str) -> bool:
    """Return whether an event is of the stack itself, and not of one within it."""
    if event.get("ResourceType") != _STACK_TYPE:
        return False
    arn, own = event.get("PhysicalResourceId"), event.get("StackId")
    return arn == own if arn and own else event.get("LogicalResourceId") == name


def _has_failed(event: Mapping[str, Any]) -> bool:
    reason = str(event.get("ResourceStatusReason", ""))
    return str(event.get("ResourceStatus", "")).endswith("_FAILED") and not any(
        word in reason for word in _CANCELLED
    )


def _event(event: Mapping[str, Any]) -> Line:
    kind, logical = str(event.get("ResourceType", "")), str(event.get("LogicalResourceId", ""))
    status = str(event.get("ResourceStatus", ""))
    text = str(event.get("ResourceStatusReason") or "CloudFormation gives no reason")
    origin = f"event {status} {kind} {logical}"
    return Line(EVENT, text, origin, moment(event.get("Timestamp")), about_type(kind))


def _transition(step: Mapping[str, Any], kind: str, name: str) -> Line:
    status, message = str(step.get("Status", "")), str(step.get("StatusMessage", ""))
    text = f"{status}: {message}" if message else status
    return Line(STATUS, text, f"{kind} {name}, step", moment(step.get("StartTime")), kind)


def _reason(text: object, kind: str, name: str, time: str, member: str = "FailureReason") -> Line:
    return Line(REASON, str(text), f"{member} of {kind} {name}", time, kind)
