"""Batch transform jobs and the sandbox that they are in: its rights, and its end."""

import threading

from .answering import Answer, Asked, Containers
from .conftest import Start
from .serving import REGION
from .transforming import Jobs, echo


def test_a_job_acts_as_the_role_of_its_model(start: Start) -> None:
    containers = Containers(echo)
    run = Jobs(start(containers, enforce_iam=True), containers)
    run.put(in__a="1\n")
    assert "s3:ListBucket" in run.run()["FailureReason"]
    allowed = {
        "s3:ListBucket": f"arn:aws:s3:::{run.bucket}",
        "s3:GetObject": f"arn:aws:s3:::{run.bucket}/in/*",
        "s3:PutObject": f"arn:aws:s3:::{run.bucket}/out/*",
    }
    for action, resource in allowed.items():
        run.allow(action, resource)
    assert run.run("job-2")["TransformJobStatus"] == "Completed"
    assert run.outputs() == {"out/a.out": b"1\n"}


def test_the_end_of_the_sandbox_is_that_of_its_jobs(start: Start) -> None:
    over = threading.Event()

    def answer(asked: Asked) -> Answer:
        over.wait(10)
        return None

    containers = Containers(answer)
    run = Jobs(start(containers), containers)
    run.put(in__a="1\n")
    run.start()
    run.wait("job", lambda _: bool(containers.bodies()))
    threading.Timer(0.3, over.set).start()
    assert run.sandbox.stop() == []
    told = run.sandbox.store.table("transform-jobs")[REGION, "job"]
    assert told["TransformJobStatus"] == "Failed"
    assert "the sandbox was stopped" in told["FailureReason"]
