"""Batch transform jobs, as boto3 sees them: over the sandbox's S3, and containers of the tests."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.base_backend import BackendDict

from odyssey.sandbox.sandbox import Sandbox, Settings

from .answering import Answer, Asked, Containers
from .serving import REGION, ROLE
from .transforming import Jobs, counted, echo

ARN = f"arn:aws:sagemaker:{REGION}:123456789012"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """One sandbox for all tests that do not stop it."""
    containers = Containers(echo)
    BackendDict.reset()
    sandbox = Sandbox(Settings(tmp_path_factory.mktemp("sandbox")), lambda _: containers)
    try:
        sandbox.start()
        yield Jobs(sandbox, containers)
    finally:
        sandbox.stop()


Sandboxed = Callable[..., Jobs]


@pytest.fixture
def jobs(shared: Jobs) -> Sandboxed:
    """Have the containers answer as a function says; nothing is left of other tests."""

    def begin(answer: Callable[[Asked], Answer] = echo, **more: Any) -> Jobs:
        shared.clear()
        shared.containers.begin(answer, **more)
        return shared

    return begin


# The job


def test_each_object_has_an_output(jobs: Sandboxed) -> None:
    run = jobs(counted)
    run.put(in__a="1\n22\n", in__deep__b="333\n", other="4\n", in__="")
    told = run.run()
    assert told["TransformJobStatus"] == "Completed", told
    assert run.outputs() == {"out/a.out": b"1\n2\n", "out/deep/b.out": b"3\n"}
    assert told["CreationTime"] <= told["TransformStartTime"] <= told["TransformEndTime"]
    assert told["TransformJobArn"] == f"{ARN}:transform-job/job"
    assert told["TransformInput"]["ContentType"] == "text/csv"
    assert "FailureReason" not in told


def test_a_prefix_is_the_beginning_of_keys(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__day1="1\n", in__day2="2\n", in__night="3\n")
    run.run(source="in/day")
    assert set(run.outputs()) == {"out/day1.out", "out/day2.out"}


def test_a_manifest_lists_the_objects(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n", in__b="2\n", in__x__c="3\n")
    run.put(manifest=json.dumps([{"prefix": run.uri("in/")}, "b", "x/c"]))
    run.run(source="manifest", data_type="ManifestFile")
    assert run.outputs() == {"out/b.out": b"2\n", "out/x/c.out": b"3\n"}


@pytest.mark.parametrize(
    "written", ["1,2", "[]", "{}", '["a"]', '[{"prefix": "in/"}, "a"]', '[{"prefix": "s3://a/"}]']
)
def test_what_is_no_manifest_fails(jobs: Sandboxed, written: str) -> None:
    run = jobs()
    run.put(manifest=written)
    told = run.run(source="manifest", data_type="ManifestFile")
    assert told["FailureReason"] == f"ClientError: {run.uri('manifest')} is no manifest"


@pytest.mark.parametrize("data_type", ["S3Prefix", "ManifestFile"])
def test_without_objects_the_job_fails(jobs: Sandboxed, data_type: str) -> None:
    run = jobs()
    told = run.run(source="nothing/", data_type=data_type)
    assert told["TransformJobStatus"] == "Failed"
    uri = run.uri("nothing/")
    assert f'No S3 objects found under S3 URL "{uri}"' in told["FailureReason"]
    assert ROLE in told["FailureReason"]
    assert not run.containers.tasks


def test_without_a_bucket_the_job_fails(jobs: Sandboxed) -> None:
    run = jobs()
    run.bucket = "nowhere"
    assert "(NoSuchBucket)" in run.run()["FailureReason"]


def test_compressed_objects_are_read(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a=gzip.compress(b"1\n2\n") + gzip.compress(b"3\n"))
    run.run(input={"CompressionType": "Gzip"})
    assert run.outputs() == {"out/a.out": b"1\n2\n3\n"}


def test_what_is_not_compressed_fails(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n", in__b=gzip.compress(b"2\n")[:-1])
    told = run.run(input={"CompressionType": "Gzip"})
    assert told["FailureReason"] == "ClientError: See job logs for more information"
    assert [line for line in run.data_log() if "Unable to decompress" in line][1:]


def test_a_download_that_breaks_off_is_taken_up_again(jobs: Sandboxed) -> None:
    run = jobs()
    rows = b"".join(b"%d\n" % row for row in range(400_000))
    run.put(in__a=rows)
    run.sandbox.faults.order({"kind": "cut", "on": "s3:GetObject", "bytes": 1_500_000, "after": 1})
    told = run.run(MaxPayloadInMB=1)
    assert told["TransformJobStatus"] == "Completed", told
    assert run.outputs()["out/a.out"] == rows


def test_an_object_that_cannot_be_read_fails(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n", in__b="2\n")
    run.put(manifest=json.dumps([{"prefix": run.uri("in/")}, "a", "absent", "b"]))
    told = run.run(source="manifest", data_type="ManifestFile")
    assert told["TransformJobStatus"] == "Failed"
    assert set(run.outputs()) == {"out/a.out", "out/b.out"}
    assert "in/absent: Unable to read the object: " in run.data_log()[1]


def test_outputs_that_s3_does_not_take_fail(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n")
    told = run.run(output={"S3OutputPath": "s3://nowhere/out"})
    assert told["FailureReason"] == "ClientError: See job logs for more information"
    assert "in/a: Unable to write s3://nowhere/out/a.out: " in run.data_log()[1]


def test_outputs_have_the_accepted_type_and_the_key(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n")
    run.run(output={"Accept": "text/plain", "KmsKeyId": "alias/mine"})
    head = run.s3.head_object(Bucket=run.bucket, Key="out/a.out")
    assert head["ContentType"] == "text/plain"
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/mine")


def test_objects_are_spread_over_the_instances(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(**{f"in__{number}": f"{number}\n" for number in range(5)})
    told = run.run(count=2)
    assert told["TransformJobStatus"] == "Completed"
    assert len(run.outputs()) == 5
    assert len(run.containers.tasks) == 2
    assert [line for line in run.data_log() if line.startswith("Max")][1:]


# The requests


def test_containers_are_asked_as_the_request_says(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n2\n")
    run.run(output={"Accept": "text/plain"})
    (asked,) = [each for each in run.containers.asked if each.path == "/invocations"]
    assert asked.body == b"1\n2\n"
    assert asked.headers["Content-Type"] == "text/csv"
    assert asked.headers["Accept"] == "text/plain"


def test_a_single_record_goes_without_its_line_end(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n2\r\n")
    run.run(BatchStrategy="SingleRecord", output={"AssembleWith": "Line"})
    assert run.containers.bodies() == [b"1", b"2"]
    assert run.outputs() == {"out/a.out": b"1\n2\n"}


def test_an_object_that_is_not_split_is_asked_as_a_whole(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n2\n", in__b="3\n")
    run.run(split="None")
    assert sorted(run.containers.bodies()) == [b"1\n2\n", b"3\n"]


@pytest.mark.parametrize("assembled", ["Line", "None"])
def test_line_ends_are_added_where_answers_have_none(jobs: Sandboxed, assembled: str) -> None:
    run = jobs(lambda asked: b"x" if asked.body == b"1" else b"y\n")
    run.put(in__a="1\n2\n1\n")
    run.run(BatchStrategy="SingleRecord", output={"AssembleWith": assembled})
    assert run.outputs()["out/a.out"] == (b"x\ny\nx\n" if assembled == "Line" else b"xy\nx")


def test_an_empty_object_has_an_empty_output(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="")
    assert run.run()["TransformJobStatus"] == "Completed"
    assert run.outputs() == {"out/a.out": b""}
    assert not run.containers.bodies()


def test_requests_have_as_many_records_as_there_is_room_for(jobs: Sandboxed) -> None:
    run = jobs(counted)
    rows = b"".join(b"%06d,%s\n" % (row, b"x" * 100) for row in range(30_000))
    run.put(in__a=rows)
    run.run(MaxPayloadInMB=1, MaxConcurrentTransforms=3)
    bodies = run.containers.bodies()
    assert len(bodies) == 4
    assert b"".join(sorted(bodies)) == rows
    assert max(map(len, bodies)) > (1 << 20) - 108
    assert run.outputs()["out/a.out"] == b"107\n" * 30_000


def test_answers_keep_the_order_of_their_records(jobs: Sandboxed) -> None:
    def slow_first(asked: Asked) -> Answer:
        time.sleep(0.03 if int(asked.body) % 10 == 0 else 0)
        return asked.body

    run = jobs(slow_first)
    rows = "".join(f"{row}\n" for row in range(100))
    run.put(in__a=rows)
    run.run(
        BatchStrategy="SingleRecord", MaxConcurrentTransforms=8, output={"AssembleWith": "Line"}
    )
    assert run.outputs()["out/a.out"].decode() == rows


def test_so_many_requests_are_under_way_at_once(jobs: Sandboxed) -> None:
    together = threading.Barrier(3, timeout=10)
    most = 0
    now = 0
    lock = threading.Lock()

    def answer(asked: Asked) -> Answer:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait()
        with lock:
            now -= 1
        return asked.body

    run = jobs(answer)
    run.put(**{f"in__{number}": "1\n" for number in range(6)})
    assert run.run(MaxConcurrentTransforms=3)["TransformJobStatus"] == "Completed"
    assert most == 3


def test_without_a_limit_an_object_goes_in_pieces(jobs: Sandboxed) -> None:
    run = jobs()
    rows = b"1,2\n" * 2_000_000
    run.put(in__a=rows)
    assert run.run(MaxPayloadInMB=0)["TransformJobStatus"] == "Completed"
    (asked,) = [each for each in run.containers.asked if each.path == "/invocations"]
    assert asked.headers["Transfer-Encoding"] == "chunked"
    assert run.outputs()["out/a.out"] == rows


def test_a_whole_object_is_asked_again_from_its_beginning(jobs: Sandboxed) -> None:
    answers = iter([(500, b""), b"fine"])
    run = jobs(lambda asked: next(answers))
    run.put(in__a="1\n2\n")
    run.run(MaxPayloadInMB=0, output={"AssembleWith": "Line"})
    assert run.containers.bodies() == [b"1\n2\n"] * 2
    assert run.outputs() == {"out/a.out": b"fine\n"}


# What the container is told, and says


def test_containers_know_that_they_serve_a_batch(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n")
    run.run(
        MaxPayloadInMB=2,
        MaxConcurrentTransforms=3,
        BatchStrategy="SingleRecord",
        Environment={"COLOR": "red"},
    )
    (task,) = run.containers.tasks
    assert task.command == ("serve",)
    assert {
        "COLOR": "red",
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "2",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "3",
    }.items() <= task.environment.items()


def test_containers_are_not_told_what_the_request_does_not_say(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n")
    run.run()
    (task,) = run.containers.tasks
    assert task.environment["COLOR"] == "iris"
    assert [name for name in task.environment if name.startswith("SAGEMAKER")] == [
        "SAGEMAKER_BATCH"
    ]


TOLD = b'{"MaxConcurrentTransforms": 2, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 3}'


@pytest.mark.parametrize(
    ("told", "wanted", "line"),
    [
        (b"", {}, "1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"),
        (TOLD, {}, "2, MaxPayloadInMB=3, BatchStrategy=SINGLE_RECORD"),
        (
            TOLD,
            {"MaxPayloadInMB": 4, "BatchStrategy": "MultiRecord"},
            "2, MaxPayloadInMB=4, BatchStrategy=MULTI_RECORD",
        ),
        (
            TOLD,
            {"MaxConcurrentTransforms": 0},
            "2, MaxPayloadInMB=3, BatchStrategy=SINGLE_RECORD",
        ),
        (b"[1]", {}, "1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"),
        (
            b'{"MaxConcurrentTransforms": "4", "MaxPayloadInMB": -1}',
            {},
            "1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD",
        ),
    ],
)
def test_the_request_goes_before_the_container_and_that_before_the_defaults(
    jobs: Sandboxed, told: bytes, wanted: dict[str, Any], line: str
) -> None:
    run = jobs(paths={"/execution-parameters": told})
    run.put(in__a="1\n2\n")
    run.run(**wanted)
    assert run.data_log()[0] == f"MaxConcurrentTransforms={line}"
    assert len(run.containers.bodies()) == (2 if "SINGLE" in line else 1)


def test_the_log_has_what_containers_print(jobs: Sandboxed) -> None:
    run = jobs(printed=b"loading\nready\n")
    run.put(in__a="1\n")
    run.run()
    assert run.log()["container"] == ["loading", "ready"]


# What goes wrong


def test_a_record_that_is_refused_costs_its_object_alone(jobs: Sandboxed) -> None:
    run = jobs(lambda asked: (400, b"no\nnumber") if b"x" in asked.body else asked.body)
    run.put(in__a="1\n", in__b="1\nx\n2\nx\n", in__c="2\n")
    told = run.run(BatchStrategy="SingleRecord")
    assert told["TransformJobStatus"] == "Failed"
    assert told["FailureReason"] == "ClientError: See job logs for more information"
    assert set(run.outputs()) == {"out/a.out", "out/c.out"}
    assert run.data_log()[1:] == [
        "in/b: ClientError: 400",
        "in/b: ",
        "in/b: Message:",
        "in/b: no",
        "in/b: number",
    ]
    assert run.containers.bodies().count(b"x") == 1


def test_a_request_that_fails_is_repeated(jobs: Sandboxed) -> None:
    answers: Any = iter([(503, b"busy"), None, b"fine"])
    run = jobs(lambda asked: next(answers))
    run.put(in__a="1\n")
    assert run.run()["TransformJobStatus"] == "Completed"
    assert run.outputs() == {"out/a.out": b"fine"}


def test_an_algorithm_that_fails_is_told_of(jobs: Sandboxed) -> None:
    run = jobs(lambda asked: (500, b"Traceback"))
    run.put(in__a="1\n")
    told = run.run(ModelClientConfig={"InvocationsMaxRetries": 1})
    assert told["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert run.data_log()[1] == "in/a: Bad HTTP status received from algorithm: 500"
    assert run.data_log()[-1] == "in/a: Traceback"
    assert len(run.containers.bodies()) == 2


def test_a_container_that_breaks_off_is_told_of(jobs: Sandboxed) -> None:
    run = jobs(lambda asked: None)
    run.put(in__a="1\n")
    told = run.run(ModelClientConfig={"InvocationsMaxRetries": 0})
    assert told["FailureReason"].startswith("InternalServerError: We encountered an internal error")
    assert run.data_log()[1].startswith("in/a: Unable to get response from algorithm")


def test_a_container_that_takes_too_long_is_told_of(jobs: Sandboxed) -> None:
    over = threading.Event()

    def answer(asked: Asked) -> Answer:
        over.wait(10)
        return b""

    run = jobs(answer)
    run.put(in__a="1\n")
    limits = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    told = run.run(ModelClientConfig=limits)
    over.set()
    assert told["TransformJobStatus"] == "Failed"
    assert run.data_log()[1] == (
        "in/a: Model server did not respond to /invocations request within 1 seconds"
    )


def test_a_record_above_the_limit_fails(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a=b"x" * (1 << 20) + b"\n", in__b="1\n")
    told = run.run(MaxPayloadInMB=1)
    assert told["FailureReason"] == "ClientError: See job logs for more information"
    assert set(run.outputs()) == {"out/b.out"}
    assert run.data_log()[1:] == ["in/a: Too much data for max payload size"]


def test_a_container_that_is_not_healthy_fails_the_job(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n")
    run.sandbox.faults.order({"kind": "unhealthy", "on": "job"})
    told = run.run()
    assert told["TransformJobStatus"] == "Failed"
    assert "did not pass the ping health check" in told["FailureReason"]


def test_a_job_may_find_no_capacity(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n")
    run.sandbox.faults.order({"kind": "capacity", "on": "job"})
    told = run.run()
    assert told["FailureReason"].startswith("CapacityError: Unable to provision")
    assert run.run("job-2")["TransformJobStatus"] == "Completed"


# Filters and joins


def test_answers_are_joined_with_their_records(jobs: Sandboxed) -> None:
    run = jobs(counted)
    run.put(in__a="a,1,22\nb,333,4\n" * 3)
    told = run.run(
        output={"Accept": "text/csv", "AssembleWith": "Line"},
        DataProcessing={
            "InputFilter": "$[1:]",
            "JoinSource": "Input",
            "OutputFilter": "$[0,-1]",
        },
    )
    assert told["TransformJobStatus"] == "Completed"
    assert run.containers.bodies() == [b"1,22\n333,4\n" * 3]
    assert run.outputs() == {"out/a.out": b"a,4\nb,5\n" * 3}


def test_answers_that_do_not_fit_their_records_fail(jobs: Sandboxed) -> None:
    run = jobs(lambda asked: b"1\n")
    run.put(in__a="1\n2\n")
    told = run.run(
        output={"Accept": "text/csv", "AssembleWith": "Line"},
        DataProcessing={"JoinSource": "Input"},
    )
    assert told["TransformJobStatus"] == "Failed"
    assert run.data_log()[1] == (
        "in/a: Fail to join data: mismatched line count between the input and the output"
    )


# Stopping


def test_a_job_is_stopped(jobs: Sandboxed) -> None:
    over = threading.Event()

    def answer(asked: Asked) -> Answer:
        over.wait(10)
        return None

    run = jobs(answer)
    run.put(in__a="1\n", in__b="2\n")
    run.start()
    run.wait("job", lambda _: bool(run.containers.bodies()))
    run.sagemaker.stop_transform_job(TransformJobName="job")
    status = run.sagemaker.describe_transform_job(TransformJobName="job")["TransformJobStatus"]
    assert status in ("Stopping", "Stopped")
    run.wait("job", lambda _: run.containers.is_ended)
    over.set()
    told = run.ended()
    assert told["TransformJobStatus"] == "Stopped"
    assert "FailureReason" not in told
    assert "TransformEndTime" in told
    assert not run.outputs()
    assert run.data_log()[1:] == []
    with pytest.raises(ClientError, match="transform job is in status Stopped"):
        run.sagemaker.stop_transform_job(TransformJobName="job")


def test_jobs_that_ran_when_the_sandbox_was_killed_have_failed(jobs: Sandboxed) -> None:
    run = jobs()
    run.put(in__a="1\n")
    run.run()
    job = run.sandbox.store.table("transform-jobs")[REGION, "job"]
    job["TransformJobStatus"] = "InProgress"
    for service in run.sandbox.services:
        if type(service).__name__ == "TransformJobs":
            service.resume()
    told = run.sagemaker.describe_transform_job(TransformJobName="job")
    assert told["TransformJobStatus"] == "Failed"
    assert "the sandbox was stopped" in told["FailureReason"]


# Refusals and lists


def test_a_name_is_taken_for_ever(jobs: Sandboxed) -> None:
    run = jobs()
    run.run()
    code, message = run.refused()
    assert code == "ResourceInUse"
    assert f"a job with this name already exists ({ARN}:transform-job/job)" in message


def test_a_model_must_be_there(jobs: Sandboxed) -> None:
    assert jobs().refused(ModelName="absent") == (
        "ValidationException",
        f'Could not find model "{ARN}:model/absent".',
    )


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"MaxPayloadInMB": 101}, "MaxPayloadInMB cannot be greater than 100 MB"),
        ({"MaxPayloadInMB": 26, "MaxConcurrentTransforms": 4}, "cannot exceed 100 MB"),
        ({"Environment": {f"NAME_{n}": "" for n in range(17)}}, "at 'environment' failed"),
        ({"DataCaptureConfig": {"DestinationS3Uri": "s3://data/c"}}, "captures no data"),
        ({"TransformOutput": {"S3OutputPath": "https://data/out"}}, "Invalid S3 URI"),
    ],
)
def test_what_breaks_a_rule_is_refused(jobs: Sandboxed, wanted: dict[str, Any], why: str) -> None:
    code, message = jobs().refused(**wanted)
    assert code == "ValidationException"
    assert why in message


def test_augmented_manifests_are_refused(jobs: Sandboxed) -> None:
    run = jobs()
    wanted = run.request(data_type="AugmentedManifestFile")
    code, message = run.refused(**wanted)
    assert code == "ValidationException"
    assert "S3DataType AugmentedManifestFile is not supported" in message


LINES = {"Accept": "text/csv", "AssembleWith": "Line"}


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"output": {"AssembleWith": "Line"}}, 'they are "text/csv" and ""'),
        ({"output": {**LINES, "Accept": "application/json"}}, "the same ContentType and Accept"),
        ({"input": {"ContentType": "image/png"}, "output": LINES}, "the same ContentType"),
        ({"output": {"Accept": "text/csv"}}, "they are Line and None"),
        ({"split": "None", "output": {"Accept": "text/csv"}}, "they are None and None"),
        ({"split": "RecordIO", "output": LINES}, "they are RecordIO and Line"),
        ({"output": LINES, "path": "$.id"}, 'Unexpected "i" in JsonPath. Supported operators for'),
        ({"output": LINES, "path": "$[0"}, "Invalid JsonPath: $[0"),
    ],
)
def test_processing_that_cannot_work_is_refused(
    jobs: Sandboxed, wanted: dict[str, Any], why: str
) -> None:
    run = jobs()
    path = wanted.get("path", "$[0]")
    rest = {name: value for name, value in wanted.items() if name != "path"}
    code, message = run.refused(**run.request(DataProcessing={"OutputFilter": path}, **rest))
    assert code == "ValidationException"
    assert why in message


def test_an_underscore_in_a_path_is_refused_as_sagemaker_does(jobs: Sandboxed) -> None:
    run = jobs()
    kind = "application/jsonlines"
    wanted = run.request(
        input={"ContentType": kind},
        output={"Accept": kind, "AssembleWith": "Line"},
        DataProcessing={"OutputFilter": "$['account_id','SageMakerOutput']"},
    )
    assert run.refused(**wanted)[1] == (
        "Invalid OutputFilter: \"$['account_id','SageMakerOutput']\". Unexpected \"_\" in "
        'JsonPath. Supported operators for "application/jsonlines" are '
        "['$', '[', ']', '*', '.', ' ', ',', ':', '-', ''']"
    )


def test_a_job_that_is_not_there_is_told_of(jobs: Sandboxed) -> None:
    run = jobs()
    for ask in (run.sagemaker.describe_transform_job, run.sagemaker.stop_transform_job):
        with pytest.raises(ClientError, match="Could not find requested job with name: absent"):
            ask(TransformJobName="absent")


def test_jobs_are_listed(jobs: Sandboxed) -> None:
    run = jobs()
    run.run("first")
    run.put(in__a="1\n")
    run.run("second")
    run.run("third")
    ask = run.sagemaker.list_transform_jobs

    def names(**asked: Any) -> list[str]:
        return [job["TransformJobName"] for job in ask(**asked)["TransformJobSummaries"]]

    assert names() == ["third", "second", "first"]
    assert names(SortBy="Name", SortOrder="Ascending") == ["first", "second", "third"]
    assert names(StatusEquals="Failed") == ["first"]
    assert names(NameContains="ir") == ["third", "first"]
    page = ask(MaxResults=2)
    assert len(page["TransformJobSummaries"]) == 2
    assert names(MaxResults=2, NextToken=page["NextToken"]) == ["first"]
    (failed,) = ask(StatusEquals="Failed")["TransformJobSummaries"]
    assert "No S3 objects found" in failed["FailureReason"]
    assert failed["TransformJobArn"] == f"{ARN}:transform-job/first"


def test_jobs_have_tags(jobs: Sandboxed) -> None:
    run = jobs()
    arn = run.start(Tags=[{"Key": "team", "Value": "blue"}])
    assert run.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "blue"}]
    run.ended()
