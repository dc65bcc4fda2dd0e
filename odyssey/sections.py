"""The sections of ``odyssey.toml``.

The fields of these classes are the table of keys: each says its type, default, range or choices,
and meaning, and everything else (validation, the options of commands, the variables,
``odyssey config show``) is derived from it by ``odyssey.keys``. Adding a key is adding a field.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field
from typing import TYPE_CHECKING, Any

from odyssey import names, rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _key(
    default: Any,
    meaning: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    variable: str | None = None,
    check: Callable[[Any], str | None] | None = None,
) -> Any:
    rules = {
        "help": meaning,
        "low": low,
        "high": high,
        "choices": choices,
        "variable": variable,
        "check": check,
    }
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=rules)
    return field(default=default, metadata=rules)


@dataclass(frozen=True)
class App:
    """``[app]``: what the app is."""

    name: str = _key(MISSING, "the app's name", check=names.refusal)
    provider: str = _key("aws", "the cloud it goes to", choices=("aws",))
    service: str = _key(
        "sagemaker",
        "the service that runs it, or both",
        choices=("sagemaker", "lambda", "sagemaker+lambda"),
    )

    @property
    def services(self) -> tuple[str, ...]:
        """The services that run it: ``sagemaker``, ``lambda`` or, in this order, both."""
        return tuple(self.service.split("+"))

    @property
    def on_sagemaker(self) -> bool:
        """Whether it has an endpoint and jobs on SageMaker."""
        return "sagemaker" in self.services

    @property
    def on_lambda(self) -> bool:
        """Whether it has functions on Lambda."""
        return "lambda" in self.services


@dataclass(frozen=True)
class Local:
    """``[local]``: the app on this machine."""

    port: int = _key(8080, "port of the local server, on 127.0.0.1", low=1, high=65535)
    python: str = _key("", 'Python that runs the app: a path or a program; "" chooses one')


@dataclass(frozen=True)
class Server:
    """``[server]``: the server of the app's container, the same on this machine."""

    kind: str = _key(
        "fast",
        "which server answers",
        choices=("fast", "flask"),
        variable="MODEL_SERVER",
    )
    workers: int = _key(
        0,
        "worker processes; 0 is one for each core",
        low=0,
        high=256,
        variable="MODEL_SERVER_WORKERS",
    )
    threads: int = _key(
        4,
        "long predictions at once in each worker",
        low=1,
        high=256,
        variable="MODEL_SERVER_THREADS",
    )
    timeout: int = _key(
        60,
        "seconds that one prediction may take",
        low=1,
        high=3600,
        variable="MODEL_SERVER_TIMEOUT",
    )
    max_payload_mb: int = _key(
        100,
        "largest request, in megabytes",
        low=1,
        high=1024,
        variable="MODEL_SERVER_MAX_PAYLOAD_MB",
    )
    nginx: str = _key(
        "auto",
        "nginx in front: auto is on for flask where nginx is installed",
        choices=("auto", "on", "off"),
        variable="MODEL_SERVER_NGINX",
    )
    csv_header: str = _key(
        "absent",
        "whether text/csv without a header parameter begins with a line of headings",
        choices=("absent", "present"),
        variable="MODEL_SERVER_CSV_HEADER",
    )


@dataclass(frozen=True)
class Aws:
    """``[aws]``: where the stacks go, and what all of them have."""

    account: str = _key(
        "", 'the account, twelve digits; "" is that of the credentials', check=rules.account
    )
    region: str = _key("", 'the region; "" is that of the credentials', check=rules.region)
    bootstrap: bool = _key(False, "whether the stacks use what `cdk bootstrap` made")
    qualifier: str = _key(
        "", 'the qualifier of the bootstrap; "" is the CDK\'s own', check=rules.qualifier
    )
    termination_protection: bool = _key(False, "whether a stack refuses to be deleted")
    permissions_boundary: str = _key(
        "", "policy that bounds every role: its ARN or name", check=rules.policy
    )
    tags: Mapping[str, str] = _key({}, "tags of every resource", check=rules.tags)


@dataclass(frozen=True)
class Foundation:
    """``[foundation]``: what stays while models come and go: repository, bucket, roles."""

    repository: str = _key(
        "", 'name of the ECR repository; "" lets CloudFormation choose', check=rules.repository
    )
    bucket: str = _key(
        "", 'name of the S3 bucket; "" lets CloudFormation choose', check=rules.bucket
    )
    kms_key: str = _key(
        "", 'ARN of the KMS key that encrypts both; "" is AWS\'s own key', check=rules.kms_key
    )
    removal: str = _key(
        "retain",
        "what happens to both when the stack is destroyed; destroy takes an empty bucket",
        choices=("retain", "destroy"),
    )
    deployer_policy: bool = _key(False, "whether to make a policy for whoever deploys")


@dataclass(frozen=True)
class Artifacts:
    """``[artifacts]``: what is deployed; a push and a training job record it by themselves."""

    image: str = _key("", "the image: an ECR URI with its digest", check=rules.image)
    model: str = _key(
        "", 'the model: s3://BUCKET/KEY.tar.gz; "none" where the image has it', check=rules.model
    )
    kms_key: str = _key(
        "", 'ARN of the KMS key of the model; "" is that of the foundation', check=rules.kms_key
    )


@dataclass(frozen=True)
class Docker:
    """``[docker]``: the app's image, and how it is run on this machine."""

    platform: str = _key(
        "",
        'what it is built for; "" is linux/arm64 where the endpoint has Graviton instances, else '
        "linux/amd64",
        choices=("", "linux/amd64", "linux/arm64"),
    )
    base: str = _key("", 'the image it is built on; "" is that of the Dockerfile')
    build_args: Mapping[str, str] = _key({}, "arguments of the Dockerfile")
    memory_mb: int = _key(
        0, "memory that a container is given; 0 is what its instance type has", low=0
    )
    samples: str = _key("samples", "folder of requests that `docker test` sends")


@dataclass(frozen=True)
class Training:
    """``[training]``: the training jobs."""

    instance_type: str = _key("ml.m5.large", "type of their instances", check=rules.instance_type)
    instance_count: int = _key(1, "instances of each", low=1, high=1000)
    volume_gb: int = _key(30, "disk of each instance", low=1, high=16384)
    max_runtime: int = _key(86400, "seconds until a job is stopped", low=1, high=2419200)
    spot: bool = _key(False, "whether they run on spare capacity: cheaper, and interrupted at will")
    max_wait: int = _key(
        0, "seconds to wait for spare capacity and for the job; 0 is twice max_runtime", low=0
    )
    input_mode: str = _key(
        "File", "how the data comes into the container", choices=("File", "FastFile", "Pipe")
    )
    environment: Mapping[str, str] = _key({}, "variables of the container")
    network_isolation: bool = _key(False, "whether the container is cut off from the network")


@dataclass(frozen=True)
class Transform:
    """``[transform]``: the batch transform jobs."""

    instance_type: str = _key("ml.m5.large", "type of their instances", check=rules.instance_type)
    instance_count: int = _key(1, "instances of each", low=1, high=1000)
    content_type: str = _key("text/csv", "type of the input's records")
    accept: str = _key("", 'type of the answers; "" lets the container choose')
    split_type: str = _key(
        "Line",
        "how an object of the input is cut into records",
        choices=("None", "Line", "RecordIO", "TFRecord"),
    )
    strategy: str = _key(
        "MultiRecord",
        "records in one request: one, or as many as fit",
        choices=("SingleRecord", "MultiRecord"),
    )
    assemble_with: str = _key("Line", "what joins the answers", choices=("None", "Line"))
    max_payload: int = _key(6, "largest request, in megabytes", low=0, high=100)
    max_concurrent: int = _key(
        1, "requests at once on one instance; 0 asks the container", low=0, high=100
    )
    join: str = _key(
        "none", "whether each answer stands beside its input", choices=("none", "input")
    )
    input_filter: str = _key(
        "",
        'what of a record the model is sent: a JSONPath such as $[1:]; "" is all',
        check=rules.json_path,
    )
    output_filter: str = _key(
        "",
        'what of an answer is kept, after the join: a JSONPath such as $[0,-1]; "" is all',
        check=rules.json_path,
    )


@dataclass(frozen=True)
class Endpoint:
    """``[endpoint]``: the SageMaker endpoint."""

    name: str = _key(
        "", 'its name; "" is that of the app, with the environment', check=rules.endpoint
    )
    kind: str = _key(
        "instance",
        "how it runs: on instances, without any (serverless), or over a queue (async)",
        choices=("instance", "serverless", "async"),
    )
    instance_type: str = _key("ml.m5.large", "type of its instances", check=rules.instance_type)
    instance_count: int = _key(1, "instances it starts with", low=1, high=1000)
    volume_gb: int = _key(0, "disk of each instance; 0 is what its type has", low=0, high=512)
    startup_timeout: int = _key(
        300, "seconds until the container must answer /ping", low=60, high=3600
    )
    memory_mb: int = _key(
        2048,
        "memory of a serverless endpoint, in steps of 1024",
        low=1024,
        high=6144,
        check=rules.whole_gigabytes,
    )
    max_concurrency: int = _key(5, "requests at once, serverless", low=1, high=200)
    provisioned_concurrency: int = _key(
        0, "requests at once that are always ready, serverless", low=0, high=200
    )
    environment: Mapping[str, str] = _key({}, "variables of the container", check=rules.variables)
    network_isolation: bool = _key(False, "whether the container is cut off from the network")
    role: str = _key(
        "", 'ARN of the role it runs as; "" makes one that may only what it must', check=rules.role
    )
    kms_key: str = _key("", "ARN of the KMS key of its disks", check=rules.kms_key)
    dashboard: bool = _key(False, "whether to make a CloudWatch dashboard")
    log_retention: int = _key(
        30, "days that its logs are kept; 0 keeps them for ever", low=0, check=rules.retention
    )


@dataclass(frozen=True)
class Scaling:
    """``[scaling]``: how the endpoint's capacity follows its load."""

    max_capacity: int = _key(
        0, "most instances (or provisioned concurrency); 0 is no scaling", low=0
    )
    min_capacity: int = _key(1, "least of them; 0 only for async", low=0)
    invocations_per_instance: int = _key(
        1000, "requests a minute that one instance is given, kind instance", low=1
    )
    backlog_per_instance: int = _key(
        5, "waiting requests that one instance is given, kind async", low=1
    )
    utilization: float = _key(
        0.7, "share of the provisioned concurrency in use, kind serverless", low=0.1, high=0.9
    )
    scale_in_cooldown: int = _key(300, "seconds between two steps down", low=0, high=3600)
    scale_out_cooldown: int = _key(60, "seconds between two steps up", low=0, high=3600)


@dataclass(frozen=True)
class Rollout:
    """``[rollout]``: how traffic moves to what is new."""

    kind: str = _key(
        "all-at-once",
        "how traffic moves",
        choices=("all-at-once", "canary", "linear", "rolling"),
    )
    percent: int = _key(
        10,
        "share that moves first (canary, up to 50), or in each step (linear, from 10; rolling, "
        "from 5)",
        low=1,
        high=50,
    )
    wait: int = _key(300, "seconds between two steps", low=0, high=3600)
    termination_wait: int = _key(0, "seconds until the old instances go", low=0, high=3600)


@dataclass(frozen=True)
class Alarms:
    """``[alarms]``: what an operator is told of, and what takes a rollout back."""

    errors_5xx: int = _key(
        0, "server errors in a minute; 0 is no alarm, or 1 with a gradual rollout", low=0
    )
    model_latency_ms: int = _key(0, "milliseconds, 99th percentile; 0 is no alarm", low=0)
    topic: str = _key("", "ARN of the SNS topic that is told", check=rules.topic)


@dataclass(frozen=True)
class DataCapture:
    """``[data_capture]``: requests and answers kept in S3."""

    percent: int = _key(0, "share of the requests; 0 is none", low=0, high=100)
    uri: str = _key(
        "", 's3://BUCKET/PREFIX; "" is capture/ in the app\'s bucket', check=rules.place
    )
    kms_key: str = _key("", "ARN of the KMS key that encrypts them", check=rules.kms_key)


@dataclass(frozen=True)
class AsyncInference:
    """``[async_inference]``: the queue of an endpoint of kind async."""

    uri: str = _key(
        "",
        's3://BUCKET/PREFIX of the answers; "" is async/ in the app\'s bucket',
        check=rules.place,
    )
    max_concurrent: int = _key(
        0, "requests at once on one instance; 0 lets SageMaker choose", low=0, high=1000
    )
    success_topic: str = _key(
        "", "ARN of the SNS topic that is told of an answer", check=rules.topic
    )
    error_topic: str = _key("", "ARN of the SNS topic that is told of an error", check=rules.topic)
    kms_key: str = _key("", "ARN of the KMS key that encrypts the answers", check=rules.kms_key)


@dataclass(frozen=True)
class Network:
    """``[network]``: the VPC that the containers are in; none by default."""

    subnets: tuple[str, ...] = _key((), "ids of the subnets", check=rules.subnets)
    security_groups: tuple[str, ...] = _key(
        (), "ids of the security groups", check=rules.security_groups
    )


@dataclass(frozen=True)
class Function:
    """``[function]``: the Lambda functions of an app for lambda."""

    memory_mb: int = _key(1024, "memory, in megabytes", low=128, high=10240)
    timeout: int = _key(60, "seconds that one call may take", low=1, high=900)
    storage_mb: int = _key(512, "size of /tmp, in megabytes", low=512, high=10240)
    architecture: str = _key("x86_64", "processor", choices=("x86_64", "arm64"))
    provisioned_concurrency: int = _key(0, "calls at once that are always ready", low=0, high=1000)
    url: bool = _key(False, "whether serve has a URL, for callers with IAM credentials")
    environment: Mapping[str, str] = _key({}, "variables of the container", check=rules.variables)
    role: str = _key(
        "", 'ARN of the role they run as; "" makes one that may only what it must', check=rules.role
    )
    log_retention: int = _key(30, "days that their logs are kept", low=1, check=rules.retention)
    train_name: str = _key("", 'name of the one that trains; "" is APP-train', check=rules.function)
    serve_name: str = _key("", 'name of the one that serves; "" is APP-serve', check=rules.function)
    schedule: str = _key(
        "",
        'when it trains by itself: rate(...), cron(...) or at(...), in UTC; "" is never',
        check=rules.schedule,
    )


@dataclass(frozen=True)
class Check:
    """``[check]``: what ``odyssey check`` minds."""

    fail_on: str = _key(
        "warning",
        "the least severity at which it fails",
        choices=("error", "warning", "info"),
    )
    ignore: Mapping[str, str] = _key({}, "rules that do not count, each with the reason")


SECTIONS: dict[str, type[Any]] = {
    "app": App,
    "local": Local,
    "server": Server,
    "aws": Aws,
    "foundation": Foundation,
    "artifacts": Artifacts,
    "docker": Docker,
    "training": Training,
    "transform": Transform,
    "endpoint": Endpoint,
    "scaling": Scaling,
    "rollout": Rollout,
    "alarms": Alarms,
    "data_capture": DataCapture,
    "async_inference": AsyncInference,
    "network": Network,
    "function": Function,
    "check": Check,
}
