"""Evidence from AWS itself: what it says of a thing, its events, and the end of its log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from odyssey import aws
from odyssey.cloudformation import endpoint as endpoints
from odyssey.cloudformation import service
from odyssey.diagnosis import told
from odyssey.diagnosis.evidence import COMPARED, ENDPOINT, STATUS, Evidence, Line
from odyssey.errors import AwsError, DeploymentError
from odyssey.functions.looking import LOGS
from odyssey.jobs import standing
from odyssey.jobs.job import is_absent
from odyssey.jobs.logs import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from odyssey.aws import Clients
    from odyssey.jobs.standing import Standing

STREAMS = 4
"""Streams of a log whose end is read: the newest."""

LINES = 100
"""Lines of each that are read."""

BEFORE = timedelta(hours=1)
"""How long before its last change the log of an endpoint is of interest."""

PAGES = 20
"""Pages of a stack's events that are read at most; each has up to 100."""

DEEPEST = 3
"""How many stacks within each other are looked into."""


@dataclass(frozen=True)
class Collector:
    """Asks AWS about things.

    Args:
        access: The way to AWS.
    """

    access: Clients

    def find(self, name: str) -> Evidence | None:
        """Return the evidence about whatever has a name; None where nothing has.

        Args:
            name: Of a job, an endpoint, a stack or a function; the first of these that is there.

        Raises:
            AwsError: AWS refuses to tell, and what it does tell is of nothing of this name.
        """
        refused: AwsError | None = None
        for look in (self.of_sagemaker, self.stack, self.function):
            try:
                found = look(name)
            except AwsError as error:
                if not aws.answer(error):
                    raise  # It does not answer at all, or not for these credentials.
                refused = refused or (error if aws.is_refusal(error.message) else None)
                continue
            if found is not None:
                return found
        if refused is not None:
            raise refused
        return None

    def standing(self, found: Standing) -> Evidence:
        """Return the evidence about a job or an endpoint.

        Raises:
            AwsError: AWS refuses.
        """
        if found.job is None:
            of_endpoint = told.endpoint(found.told)
            return self._with_log(of_endpoint, found.log, _since(found.told, of_endpoint))
        return self._with_log(told.job(found.told), found.log, None)

    def function(self, name: str) -> Evidence | None:
        """Return the evidence about a function; None where there is none.

        Raises:
            AwsError: AWS refuses.
        """
        try:
            with aws.explained():
                answer = self.access.client("lambda").get_function(FunctionName=name)
        except AwsError as error:
            if is_absent(error):
                return None
            raise
        changed = _moment(answer.get("Configuration", {}).get("LastModified"))
        return self._with_log(told.function(answer), Place(f"{LOGS}{name}"), changed)

    def stack(self, name: str) -> Evidence | None:
        """Return the evidence about a stack, and the endpoints that failed in it; None without one.

        Raises:
            AwsError: AWS refuses.
        """
        state = service.describe(self.access.client("cloudformation"), name)
        if state is None:
            return None
        found = told.stack(
            {
                "StackName": state.name,
                "StackStatus": state.status,
                "StackStatusReason": state.reason,
                "LastUpdatedTime": state.since,
            }
        )
        if found.healthy:
            return found.plus(self._compared(state.id))
        return found.plus(self._failed(state.id))

    def of_sagemaker(self, name: str) -> Evidence | None:
        """Return the evidence about a job or an endpoint; None where there is none.

        Raises:
            AwsError: AWS refuses.
        """
        from odyssey import shapes

        if shapes.problems("sagemaker", "DescribeEndpoint", {"EndpointName": name}):
            return None  # SageMaker has nothing of such a name; a function may.
        found = standing.identify(self.access.client("sagemaker"), name)
        return self.standing(found) if found else None

    def _failed(self, stack: str, depth: int = 0) -> Iterator[Line]:
        """Yield what failed in a stack's last operation, and in the stacks within it."""
        events = self._events(stack)
        yield from (line for line in told.events(events).lines if line.sort != STATUS)
        for name in told.endpoints(events):
            yield from self._of_endpoint(name, told.begun(events))
        if depth < DEEPEST:
            for inner in dict.fromkeys(told.nested(events)):
                yield from self._failed(inner, depth + 1)

    def _of_endpoint(self, name: str, begun: object) -> Iterator[Line]:
        """Yield what SageMaker says of an endpoint, which may be gone; its log stays."""
        since = begun if isinstance(begun, datetime) else None
        found = standing.identify_endpoint(self.access.client("sagemaker"), name)
        if found is not None:
            yield from (line for line in told.endpoint(found.told).lines if line.sort != STATUS)
        yield from self._log(Place(endpoints.log_group(name)), ENDPOINT, since)

    def _compared(self, stack: str) -> Iterator[Line]:
        """Yield where an endpoint of a stack runs another configuration than the stack's."""
        client = self.access.client("cloudformation")
        resources = service.resources(client, stack)
        if not any(each.type == endpoints.ENDPOINT for each in resources):
            return
        try:
            endpoints.verify(
                self.access.client("sagemaker"), resources, service.template(client, stack)
            )
        except DeploymentError as error:
            yield Line(COMPARED, error.message, "the endpoint against its stack", about=ENDPOINT)

    def _events(self, stack: str) -> list[Mapping[str, Any]]:
        """Return the events of a stack, the newest first, back to where its operation began."""
        client = self.access.client("cloudformation")
        found: list[Mapping[str, Any]] = []
        asked = {"StackName": stack}
        for _ in range(PAGES):
            with aws.explained():
                answer = client.describe_stack_events(**asked)
            found += answer["StackEvents"]
            if not answer.get("NextToken") or len(told.last_operation(found)) < len(found):
                break
            asked["NextToken"] = answer["NextToken"]
        return found

    def _with_log(self, found: Evidence, place: Place, since: datetime | None) -> Evidence:
        return found.plus(self._log(place, found.kind, since))

    def _log(self, place: Place, kind: str, since: datetime | None) -> Iterator[Line]:
        """Yield the end of a log; nothing where there is none, or where it may not be read."""
        client = self.access.client("logs")
        try:
            lines = [
                line
                for stream in _newest(client, place)
                for line in told.log(_end(client, place.group, stream, since), stream, kind)
            ]
        except AwsError as error:
            if aws.answer(error).get("Error", {}).get("Code") != "ResourceNotFoundException":
                # As a status, in which no cause is looked for: it is the reader's right that lacks.
                yield Line(STATUS, error.message, f"the log {place.group} cannot be read")
            return
        yield from sorted(lines, key=lambda line: line.time)


def _newest(client: Any, place: Place) -> list[str]:
    """Return the names of a log's newest streams."""
    asked: dict[str, Any] = {"logGroupName": place.group, "limit": 50}
    if place.prefix:
        asked["logStreamNamePrefix"] = place.prefix
    else:
        asked |= {"orderBy": "LastEventTime", "descending": True}
    with aws.explained():
        streams = client.describe_log_streams(**asked).get("logStreams", [])
    newest = sorted(streams, key=lambda each: -int(each.get("lastEventTimestamp", 0)))
    return [str(stream["logStreamName"]) for stream in newest[:STREAMS]]


def _end(client: Any, group: str, stream: str, since: datetime | None) -> list[Mapping[str, Any]]:
    asked: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "limit": LINES}
    if since is not None:
        asked["startTime"] = int(since.timestamp() * 1000)
    with aws.explained():
        answer = client.get_log_events(**asked, startFromHead=False)
    events: list[Mapping[str, Any]] = answer.get("events", [])
    return events


def _since(answer: Mapping[str, Any], found: Evidence) -> datetime | None:
    """Return from when on the log of an endpoint is of interest.

    One that serves tells of its serving alone, and one that failed of the attempt, too; what an
    earlier endpoint of this name has logged, or an attempt that was mended, is over.
    """
    made, changed = answer.get("CreationTime"), answer.get("LastModifiedTime")
    if not isinstance(made, datetime) or not isinstance(changed, datetime):
        return None
    return changed if found.healthy else max(made, changed - BEFORE)


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
