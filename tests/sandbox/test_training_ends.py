"""Training jobs whose sandbox ends before them."""

from pathlib import Path

from odyssey.sandbox.sandbox import Sandbox, Settings
from tests.sandbox.training import NOTHING, REGION, UNTIL_TERM, laboratory


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
