"""Training jobs that need a sandbox of their own."""

import json
from pathlib import Path

from odyssey.sandbox.sandbox import Sandbox, Settings
from tests.sandbox.training import NOTHING, REGION, UNTIL_TERM, channel, laboratory

RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::lab"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lab/data/*"},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::lab/models/*"},
    ],
}


def test_a_job_has_the_rights_of_its_role(tmp_path: Path) -> None:
    with laboratory(tmp_path, enforce_iam=True) as lab:
        lab.put(a="1")
        told = lab.run("poor", NOTHING, InputDataConfig=[channel("s3://lab/data/")])
        assert '"s3:ListBucket" permissions on bucket "lab"' in told["FailureReason"]
        lab.iam.put_role_policy(
            RoleName="trainer", PolicyName="data", PolicyDocument=json.dumps(RIGHTS)
        )
        told = lab.run("rich", NOTHING, InputDataConfig=[channel("s3://lab/data/")])
        assert told["TrainingJobStatus"] == "Completed", told["FailureReason"]
        told = lab.run("lost", NOTHING, OutputDataConfig={"S3OutputPath": "s3://lab/elsewhere"})
        assert told["FailureReason"].startswith("ClientError: Artifact upload failed:")
        assert "AccessDenied" in told["FailureReason"]


def test_a_sandbox_that_stops_ends_its_jobs_and_tells_of_it(tmp_path: Path) -> None:
    with laboratory(tmp_path) as lab:
        lab.start("iris", UNTIL_TERM)
        lab.await_word("iris", "ready")
        lab.sandbox.stop()
        job = lab.sandbox.store.table("training-jobs")[REGION, "iris"]
    assert job["TrainingJobStatus"] == "Failed"
    assert "the sandbox was stopped" in job["FailureReason"]


def test_jobs_that_ran_when_a_sandbox_was_killed_have_failed(tmp_path: Path) -> None:
    with laboratory(tmp_path) as lab:
        lab.run("over", NOTHING)
        lab.start("iris", UNTIL_TERM)
        kept = {name: lab.describe(name) for name in ("over", "iris")}
    sandbox = Sandbox(Settings(tmp_path), lambda _: lab.sandbox.executor)
    jobs = sandbox.store.table("training-jobs")
    jobs.update({(REGION, name): job for name, job in kept.items()})
    sandbox.start()
    sandbox.stop()
    assert jobs[REGION, "over"]["TrainingJobStatus"] == "Completed"
    assert "the sandbox was stopped" in jobs[REGION, "iris"]["FailureReason"]
