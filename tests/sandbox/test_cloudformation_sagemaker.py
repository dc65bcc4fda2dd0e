"""Endpoints in stacks: the chain of what is replaced, what fails, and what is cut short."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.answering import Containers
from tests.sandbox.conftest import Start
from tests.sandbox.serving import IMAGE, REGION, ROLE, Account, archive, client, until
from tests.sandbox.stacks import Stacks, Template, parameter, resource, template

UNHEALTHY = "did not pass the ping health check"


GOLDEN = Path(__file__).parents[1] / "template" / "golden"


@pytest.fixture
def containers() -> Containers:
    return Containers(lambda asked: b"answer")


@pytest.fixture
def account(start: Start, containers: Containers) -> Account:
    return Account(start(containers))


@pytest.fixture
def stacks(account: Account) -> Stacks:
    return Stacks(account.sandbox)


def serving(account: Account, color: str, **more: Any) -> Template:
    """Return a template of an endpoint that serves a model."""
    container = {"Image": IMAGE, "ModelDataUrl": account.upload(color), "Environment": {"C": color}}
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        # A template may have a number as a text.
        "InitialInstanceCount": "1",
    }
    name = {"Fn::GetAtt": ["Config", "EndpointConfigName"]}
    return template(
        {"Endpoint": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}},
        Model=resource(
            "SageMaker::Model", {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}
        ),
        Config=resource("SageMaker::EndpointConfig", {"ProductionVariants": [variant]}),
        Endpoint=resource(
            "SageMaker::Endpoint",
            {
                "EndpointName": "iris",
                "EndpointConfigName": name,
                "RetainAllVariantProperties": True,
            },
        ),
        **more,
    )


def names(account: Account) -> tuple[list[str], list[str], str]:
    """Return the models, the configurations, and the one that the endpoint has."""
    sagemaker = account.sagemaker
    models = [each["ModelName"] for each in sagemaker.list_models()["Models"]]
    listed = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    configs = [each["EndpointConfigName"] for each in listed]
    return models, configs, sagemaker.describe_endpoint(EndpointName="iris")["EndpointConfigName"]


def test_a_new_model_makes_a_new_configuration_and_updates_the_endpoint(
    account: Account, stacks: Stacks, containers: Containers
) -> None:
    # given
    assert stacks.create(serving(account, "red"))["StackStatus"] == "CREATE_COMPLETE"
    (old_model,), (old_config,), config = names(account)
    assert config == old_config
    assert stacks.outputs() == {"Endpoint": "iris"}
    # when
    told = stacks.change(serving(account, "blue"))
    changes = {
        each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"]["Replacement"]
        for each in told["Changes"]
    }
    done = stacks.execute()
    # then
    assert changes == {"Model": "True", "Config": "Conditional", "Endpoint": "False"}
    assert done["StackStatus"] == "UPDATE_COMPLETE"
    (model,), (new_config,), config = names(account)
    assert (model != old_model, new_config != old_config, config) == (True, True, new_config)
    assert stacks.statuses("Endpoint")[-2:] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    last = [
        each["LogicalResourceId"]
        for each in stacks.events()
        if each["ResourceStatus"] == "DELETE_COMPLETE"
    ]
    assert last == ["Config", "Model"]
    assert account.invoke("x") == b"answer"
    # and: all of it goes
    stacks.delete()
    assert account.sagemaker.list_models()["Models"] == []
    assert account.sagemaker.list_endpoints()["Endpoints"] == []


def test_an_endpoint_that_fails_fails_its_stack_with_its_reason(
    account: Account, stacks: Stacks
) -> None:
    # given
    account.sandbox.faults.order({"kind": "unhealthy", "on": "iris"})
    # when
    told = stacks.create(serving(account, "red"))
    # then
    assert told["StackStatus"] == "ROLLBACK_COMPLETE"
    assert UNHEALTHY in stacks.reason("Endpoint", "CREATE_FAILED")
    assert account.sagemaker.list_endpoints()["Endpoints"] == []
    assert account.sagemaker.list_models()["Models"] == []


def test_an_endpoint_that_goes_back_takes_its_stack_with_it(
    account: Account, stacks: Stacks
) -> None:
    # given
    stacks.create(serving(account, "red"))
    before = names(account)
    account.sandbox.faults.order({"kind": "unhealthy", "on": "iris"})
    # when
    told = stacks.update(serving(account, "blue"))
    # then
    assert told["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert UNHEALTHY in stacks.reason("Endpoint", "UPDATE_FAILED")
    assert names(account) == before
    assert account.invoke("x") == b"answer"
    # and: the next one goes well
    assert stacks.update(serving(account, "blue"))["StackStatus"] == "UPDATE_COMPLETE"


def test_a_failure_after_the_endpoint_s_update_takes_it_back(
    account: Account, stacks: Stacks
) -> None:
    # given
    stacks.create(serving(account, "red"))
    before = names(account)
    # when
    bad = resource("S3::Bucket", {"BucketName": "models"}, DependsOn="Endpoint")
    told = stacks.update(serving(account, "blue", Bad=bad))
    # then
    assert told["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert names(account) == before


def test_a_stack_is_busy_while_its_endpoint_is_made_and_can_be_deleted_then(
    account: Account, stacks: Stacks, containers: Containers
) -> None:
    # given: a container that is never healthy
    containers.paths["/ping"] = (500, b"")
    stacks.client.create_stack(**stacks.request(serving(account, "red")))
    until(lambda: stacks.statuses("Endpoint")[1:])
    # when
    code, told = stacks.refusal("update_stack", **stacks.request(template(A=parameter("x"))))
    # then
    assert code == "ValidationError"
    assert told.endswith("is in CREATE_IN_PROGRESS state and can not be updated.")
    # when
    containers.paths.clear()
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"
    # then
    assert account.sagemaker.list_endpoints()["Endpoints"] == []
    assert account.sagemaker.list_models()["Models"] == []


def test_an_update_can_be_cancelled(
    account: Account, stacks: Stacks, containers: Containers
) -> None:
    # given
    stacks.create(serving(account, "red"))
    before = names(account)
    containers.paths["/ping"] = (500, b"")
    stacks.client.update_stack(**stacks.request(serving(account, "blue")))
    until(lambda: "UPDATE_IN_PROGRESS" in stacks.statuses("Endpoint"))
    # when
    stacks.client.cancel_update_stack(StackName=stacks.name)
    containers.paths.clear()
    # then
    assert stacks.settled()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert names(account) == before
    code, _ = stacks.refusal("cancel_update_stack", StackName=stacks.name)
    assert code == "ValidationError"


def test_what_waits_for_an_endpoint_ends_when_the_sandbox_stops(
    account: Account, stacks: Stacks, containers: Containers
) -> None:
    # given
    containers.paths["/ping"] = (500, b"")
    stacks.client.create_stack(**stacks.request(serving(account, "red")))
    until(lambda: stacks.statuses("Endpoint")[1:])
    # when
    left = account.sandbox.stop()
    # then
    assert left == []
    with account.sandbox.store.lock:
        (stack,) = account.sandbox.store.table("stacks").values()
    assert stack["StackStatus"] in ("ROLLBACK_FAILED", "CREATE_FAILED")


@pytest.mark.parametrize("folder", ["real-time", "async", "serverless", "guarded"])
def test_our_own_templates_serve(account: Account, stacks: Stacks, folder: str) -> None:
    # given: the model, and what the guarded one has to stay within
    location = {"LocationConstraint": REGION}
    account.s3.create_bucket(Bucket="iris-models", CreateBucketConfiguration=location)
    key = "jobs/iris-7/output/model.tar.gz"
    account.s3.put_object(Bucket="iris-models", Key=key, Body=archive())
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    client(account.sandbox, "iam").create_policy(
        PolicyName="ml-boundary",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    foundation, serving = (
        (GOLDEN / folder / f"iris-{name}.template.json").read_text()
        for name in ("foundation", "endpoint")
    )
    # when
    base = Stacks(account.sandbox)
    assert base.create(foundation)["StackStatus"] == "CREATE_COMPLETE", base.failures()
    told = stacks.create(serving)
    # then
    assert told["StackStatus"] == "CREATE_COMPLETE", stacks.failures()
    for endpoint in account.sagemaker.list_endpoints()["Endpoints"]:
        assert endpoint["EndpointStatus"] == "InService"
    refusal = stacks.refusal("update_stack", **stacks.request(serving))
    assert refusal == ("ValidationError", "No updates are to be performed.")
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_an_operation_that_is_cut_short_says_so_after_a_restart(start: Start) -> None:
    # given: a stack whose creation was on its way when the sandbox was killed
    sandbox = start(keep=True)
    stacks = Stacks(sandbox)
    stacks.create(template(Value=parameter("1")))
    with sandbox.store.lock:
        (stack,) = sandbox.store.table("stacks").values()
        stack["StackStatus"] = "UPDATE_IN_PROGRESS"
    sandbox.stop()
    # when
    again = Stacks(start(keep=True))
    again.name = stacks.name
    # then
    told = again.told()
    assert told["StackStatus"] == "UPDATE_FAILED"
    assert told["StackStatusReason"] == "the sandbox stopped while the stack was at work"
    assert again.delete()["StackStatus"] == "DELETE_COMPLETE"
