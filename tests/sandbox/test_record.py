"""What was asked for, and which rights were never used."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from odyssey.sandbox.iam import policies, record
from odyssey.sandbox.iam.policies import IDENTITY, Asked, Decision, Held
from odyssey.sandbox.iam.record import ALIKE, MOST, Record
from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import Start
from tests.sandbox.iam import ACCOUNT, People, allow, missing

ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
ALLOWED, DENIED = Decision(True, IDENTITY), Decision(False, IDENTITY)


def told(found: Record, holders: dict[str, Held] | None = None) -> dict[str, Any]:
    report = found.report((holders or {}).items(), refused="denied")
    return {each["arn"]: each for each in report["principals"]}


def test_what_is_asked_for_is_counted() -> None:
    # given
    found = Record()
    # when
    for decision in (ALLOWED, DENIED, ALLOWED):
        found.note(ANN, Asked("s3:GetObject", "arn:aws:s3:::iris/a"), decision)
    # then
    entry = {"action": "s3:GetObject", "resource": "arn:aws:s3:::iris/a"}
    assert told(found)[ANN] == {
        "arn": ANN,
        "used": [{**entry, "count": 2}],
        "denied": [{**entry, "count": 1}],
        "unused": [],
    }


def test_of_many_files_the_first_are_told_apart() -> None:
    # given
    found = Record()
    # when
    for number in range(ALIKE + 50):
        found.note(ANN, Asked("s3:GetObject", f"arn:aws:s3:::iris/{number:04}"), ALLOWED)
    # then
    used = told(found)[ANN]["used"]
    assert len(used) == ALIKE + 1
    assert used[0] == {"action": "s3:GetObject", "resource": record.OTHERS, "count": 50}


def test_what_is_too_much_to_be_noted_is_counted_at_least() -> None:
    # given
    found = Record()
    # when
    for number in range(MOST + 3):
        found.note(ANN, Asked(f"s3:Get{number}", "*"), ALLOWED)
    found.note(ANN, Asked("s3:Get1", "*"), ALLOWED)
    # then
    report = found.report((), refused="denied")
    assert report["forgotten"] == 3
    assert sum(each["count"] for each in report["principals"][0]["used"]) == MOST + 1


def test_what_was_never_used_is_told_by_statement_and_pattern() -> None:
    # given
    first = allow(["s3:Get*", "s3:PutObject"], "arn:aws:s3:::iris/*", Sid="Files")
    second = allow("sns:Publish", Condition={"Bool": {"aws:SecureTransport": "true"}})
    held = Held((policies.policy({"Statement": [first, second, allow("s3:GetObject")]}),))
    asked = Asked("s3:GetObject", "arn:aws:s3:::iris/a")
    found = Record()
    # when
    decision = policies.decide(asked, policies.Names(ANN), held)
    found.note(ANN, asked, decision)
    # then
    assert told(found, {ANN: held})[ANN]["unused"] == [
        {"actions": ["s3:PutObject"], "sid": "Files", "resource": "arn:aws:s3:::iris/*"},
        {
            "actions": ["sns:Publish"],
            "resource": "*",
            "condition": {"Bool": {"aws:SecureTransport": "true"}},
        },
    ]


def test_whoever_never_asked_has_used_nothing() -> None:
    held = Held((policies.policy({"Statement": [allow("sns:*")]}),))
    found = told(Record(), {ANN: held})[ANN]
    assert (found["used"], found["unused"]) == ([], [{"actions": ["sns:*"], "resource": "*"}])


def ask(sandbox: Sandbox, method: str) -> Any:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
    connection.request(method, "/_sandbox/permissions")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def test_a_sandbox_tells_what_was_used_and_what_never_was(start: Start) -> None:
    # given
    people = People(start(enforce_iam=True))
    role = people.role("r", {"AWS": ACCOUNT}, allow(["sns:ListTopics", "sqs:ListQueues"]))
    sns, s3 = (people.sandbox.clients.client(name, "eu-west-1", role) for name in ("sns", "s3"))
    # when
    sns.list_topics()
    missing(s3, "list_buckets")
    report = ask(people.sandbox, "GET")
    # then
    assert report["enforced"] is True
    (found,) = (each for each in report["principals"] if each["arn"] == role)
    assert found == {
        "arn": role,
        "used": [{"action": "sns:ListTopics", "resource": "*", "count": 1}],
        "denied": [{"action": "s3:ListAllMyBuckets", "resource": "*", "count": 1}],
        "unused": [{"actions": ["sqs:ListQueues"], "resource": "*"}],
    }
    # when
    ask(people.sandbox, "DELETE")
    # then
    (found,) = ask(people.sandbox, "GET")["principals"]
    assert (found["used"], found["denied"]) == ([], [])
    assert found["unused"] == [{"actions": ["sns:ListTopics", "sqs:ListQueues"], "resource": "*"}]
