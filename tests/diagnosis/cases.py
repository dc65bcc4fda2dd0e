"""For each known cause what AWS or a container says of it, and what it must not be taken for.

The texts are in the form that AWS's pages and public issues have them, with names of our own.
"""

from __future__ import annotations

from dataclasses import dataclass

from odyssey.diagnosis import told
from odyssey.diagnosis.evidence import (
    COMPARED,
    ENDPOINT,
    FUNCTION,
    LOG,
    REASON,
    STATUS,
    TRAINING,
    TRANSFORM,
    Evidence,
    Line,
)

ROLE = "arn:aws:iam::123456789012:role/iris-endpoint-Role-A1"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris:1"
TYPES = {
    "Endpoint": "AWS::SageMaker::Endpoint",
    "Config": "AWS::SageMaker::EndpointConfig",
    "Model": "AWS::SageMaker::Model",
    "Function": "AWS::Lambda::Function",
    "Bucket": "AWS::S3::Bucket",
    "Repository": "AWS::ECR::Repository",
    "Group": "AWS::EC2::SecurityGroup",
    "Target": "AWS::ApplicationAutoScaling::ScalableTarget",
}


@dataclass(frozen=True)
class Case:
    """What shows a cause, and something like it that does not."""

    shown: Evidence
    miss: Evidence


def event(logical: str, text: str, status: str = "") -> Evidence:
    """A stack in which a resource failed."""
    kind = TYPES[logical]
    made = {"StackName": "iris-endpoint", "StackId": "arn:s", "Timestamp": "2026-01-02T03:00:00Z"}
    own = {**made, "ResourceType": "AWS::CloudFormation::Stack", "PhysicalResourceId": "arn:s"}
    failed = {
        **made,
        "ResourceType": kind,
        "LogicalResourceId": logical,
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": text,
    }
    state = {**own, "ResourceStatus": status or "CREATE_FAILED"}
    return told.events([state, failed, {**own, "ResourceStatus": "CREATE_IN_PROGRESS"}])


def stack(status: str) -> Evidence:
    return told.stack({"StackName": "iris-endpoint", "StackStatus": status})


def training(reason: str = "", *logged: str, steps: tuple[str, ...] = ()) -> Evidence:
    answer = {
        "TrainingJobName": "iris-1",
        "TrainingJobStatus": "Failed",
        "FailureReason": reason,
        "SecondaryStatusTransitions": [{"Status": each} for each in steps],
    }
    return told.job(answer).plus(lines(TRAINING, *logged))


def transform(reason: str = "", *logged: str) -> Evidence:
    answer = {"TransformJobName": "b-1", "TransformJobStatus": "Failed", "FailureReason": reason}
    return told.job(answer).plus(lines(TRANSFORM, *logged))


PING = (
    "The primary container for production variant main did not pass the ping health check. Please "
    "check CloudWatch logs for this endpoint."
)


def endpoint(*logged: str, reason: str = PING) -> Evidence:
    answer = {"EndpointName": "iris", "EndpointStatus": "Failed", "FailureReason": reason}
    return told.endpoint(answer).plus(lines(ENDPOINT, *logged))


def function(*logged: str, reason: str = "") -> Evidence:
    answer = {"FunctionName": "iris-serve", "State": "Active", "StateReason": reason}
    return told.function(answer).plus(lines(FUNCTION, *logged))


def lines(kind: str, *texts: str) -> list[Line]:
    return [Line(LOG, text, "log s", "", kind) for text in texts]


def compared(text: str) -> Evidence:
    return stack("UPDATE_COMPLETE").plus([Line(COMPARED, text, "endpoint", about=ENDPOINT)])


def raised(error: str) -> tuple[str, ...]:
    return ("Traceback (most recent call last):", '  File "/opt/program/serve.py", line 9', error)


CASES: dict[str, Case] = {
    "expired-token": Case(
        event("Model", "ExpiredToken: The security token included in the request is expired"),
        endpoint("ValueError: the token of the tokenizer is not expired", reason="x"),
    ),
    "pass-role": Case(
        event(
            "Model",
            "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: iam:PassRole "
            f"on resource: {ROLE} because no identity-based policy allows the iam:PassRole action",
        ),
        event("Model", "User: x is not authorized to perform: iam:GetRole on resource: role/x"),
    ),
    "role-not-assumable": Case(
        event(
            "Model",
            f"Could not assume role {ROLE}. Please ensure that the role exists and allows "
            "principal 'sagemaker.amazonaws.com' to assume the role.",
        ),
        event("Model", f"Role {ROLE} has a policy that is too long"),
    ),
    "kms-denied": Case(
        training(
            "ClientError: Artifact upload: An error occurred (AccessDenied): User: x is not "
            "authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:1:key/1"
        ),
        training("ClientError: not authorized to perform: s3:PutObject on resource: arn:x"),
    ),
    "guardrail-denied": Case(
        event(
            "Endpoint",
            "User: x is not authorized to perform: sagemaker:CreateEndpoint on resource: y with an "
            "explicit deny in a service control policy",
        ),
        event(
            "Endpoint",
            "User: x is not authorized to perform: sagemaker:CreateEndpoint on resource: y with an "
            "explicit deny in an identity-based policy",
        ),
    ),
    "image-pull-denied": Case(
        endpoint(
            reason=f"The role '{ROLE}' does not have BatchGetImage permission for the image: "
            f"'{IMAGE}'."
        ),
        endpoint(reason=f"The image {IMAGE} was pulled in 300 seconds."),
    ),
    "not-permitted": Case(
        event("Bucket", "User: x is not authorized to perform: s3:CreateBucket on resource: y"),
        event("Bucket", "The authorization header is malformed"),
    ),
    "quota": Case(
        event(
            "Endpoint",
            "The account-level service limit 'ml.g5.xlarge for endpoint usage' is 0 Instances, "
            "with current utilization of 0 Instances and a request delta of 1 Instances. Please "
            "use AWS Service Quotas to request an increase. (ResourceLimitExceeded)",
        ),
        event("Endpoint", "Unable to provision: the limit of the variant's weight is 1"),
    ),
    "throttled": Case(
        event("Endpoint", "Rate exceeded (Service: SageMaker, Error Code: ThrottlingException)"),
        endpoint("the heart rate exceeds 120 in 3 records", reason="x"),
    ),
    "function-concurrency": Case(
        event(
            "Function",
            "Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of [10].",
        ),
        event("Function", "ReservedConcurrentExecutions must be a number"),
    ),
    "image-manifest": Case(
        event(
            "Function",
            "The image manifest, config or layer media type for the source image "
            f"{IMAGE} is not supported. (Service: Lambda, Status Code: 400)",
        ),
        event("Function", f"Source image {IMAGE} is not valid. Provide a valid source image."),
    ),
    "image-other-region": Case(
        event("Function", f"Source image {IMAGE} must be in the same AWS Region as the function"),
        event("Bucket", "the bucket must be in the same AWS Region as the trail"),
    ),
    "image-missing": Case(
        event("Model", f"Requested image {IMAGE} not found."),
        event("Model", "Requested model data not found."),
    ),
    "exec-format": Case(
        endpoint("exec /usr/bin/python3: exec format error"),
        endpoint("ValueError: the format of exec.csv is an error"),
    ),
    "entrypoint-missing": Case(
        endpoint('starting container process caused: exec: "serve": executable file not found in'),
        endpoint("serve: model iris found in /opt/ml/model"),
    ),
    "permission-in-image": Case(
        function("[ERROR] PermissionError: [Errno 13] Permission denied: '/var/task/serve.py'"),
        function("[ERROR] ValueError: no permission of the patient"),
    ),
    "module-missing": Case(
        endpoint(*raised("ModuleNotFoundError: No module named 'xgboost'")),
        endpoint(*raised("ImportError: cannot import name 'DMatrix' from 'xgboost'")),
    ),
    "library-missing": Case(
        endpoint(
            *raised(
                "ImportError: libgomp.so.1: cannot open shared object file: No such file or "
                "directory"
            )
        ),
        endpoint(*raised("OSError: model.so is none of ours")),
    ),
    "gpu-driver": Case(
        training("", "RuntimeError: Found no NVIDIA driver on your system. Please check that you"),
        training("", "UserWarning: CUDA initialization was skipped"),
    ),
    "disk-full": Case(
        training("ClientError: x", "OSError: [Errno 28] No space left on device: '/opt/ml/model'"),
        training("ClientError: x", "there is space left on the device"),
    ),
    "function-import": Case(
        function(
            "[ERROR] Runtime.ImportModuleError: Unable to import module 'serve': No module named "
            "'pandas'"
        ),
        function("[ERROR] ImportError: cannot import name 'a' from 'b'"),
    ),
    "function-handler": Case(
        function("[ERROR] Runtime.HandlerNotFound: Handler 'handler' missing on module 'serve'"),
        function("the handler found 3 records"),
    ),
    "function-memory": Case(
        function(
            "REPORT RequestId: 1 Duration: 9.1 ms Billed Duration: 10 ms Memory Size: 128 MB "
            "Max Memory Used: 128 MB"
        ),
        function(
            "REPORT RequestId: 1 Duration: 9.1 ms Billed Duration: 10 ms Memory Size: 1280 MB "
            "Max Memory Used: 128 MB"
        ),
    ),
    "function-timeout": Case(
        function("2026-01-02T03:04:05Z 1-2-3 Task timed out after 3.01 seconds"),
        function("the query timed out after 3.01 seconds, and was tried again"),
    ),
    "function-init-timeout": Case(
        function("INIT_REPORT Init Duration: 10000.42 ms\tPhase: init\tStatus: timeout"),
        function("INIT_REPORT Init Duration: 9000.42 ms\tPhase: init\tStatus: error"),
    ),
    "function-read-only": Case(
        function("[ERROR] OSError: [Errno 30] Read-only file system: '/home/sbx_user1051'"),
        function("opened /tmp/model read-only"),
    ),
    "function-shared-memory": Case(
        function("[ERROR] OSError: [Errno 38] Function not implemented"),
        function("[ERROR] NotImplementedError: this function is not implemented"),
    ),
    "function-files": Case(
        function("[ERROR] OSError: [Errno 24] Too many open files: '/tmp/1'"),
        function("[ERROR] ValueError: too many files in the archive"),
    ),
    "function-payload": Case(
        function(
            "Response payload size (6291600 bytes) exceeded maximum allowed payload size "
            "(6291556 bytes)."
        ),
        function("the payload has a size of 600 bytes"),
    ),
    "function-variables": Case(
        event(
            "Function",
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided exceeded the 4KB limit.",
        ),
        event("Function", "Lambda was unable to configure your environment variables: reserved"),
    ),
    "function-unpublished": Case(
        function(reason="ImageDeleted: the image of the function was deleted"),
        function(reason="Idle: the function was not called for a while"),
    ),
    "function-exit": Case(
        function("RequestId: 1 Error: Runtime exited with error: exit status 3"),
        function("the child exited with status 3, as it should"),
    ),
    "function-error": Case(
        function("[ERROR] KeyError: 'species'", "Traceback (most recent call last):"),
        function("[INFO] retrying after KeyError: 'species'"),
    ),
    "model-data-access": Case(
        event(
            "Model",
            "Could not access model data at s3://iris/model.tar.gz. Please ensure that the role "
            f'"{ROLE}" exists and that its trust relationship policy allows the action '
            '"sts:AssumeRole" for the service principal "sagemaker.amazonaws.com".',
        ),
        event("Model", "Could not find model data at s3://iris/model.tar.gz."),
    ),
    "model-data-missing": Case(
        event("Model", "Could not find model data at s3://iris/model.tar.gz."),
        event("Model", 'Could not find model "iris-1".'),
    ),
    "model-archive": Case(
        endpoint(
            reason='Failed to extract model data archive for container "container_1" from URL '
            '"s3://iris/model.tar.gz". Please ensure that the object located at the URL is a valid '
            "tar.gz archive."
        ),
        endpoint("extracted the archive model.tar.gz"),
    ),
    "model-download-timeout": Case(
        endpoint(reason="Model data download took too long for variant main."),
        endpoint("model data download finished in 3 s"),
    ),
    "model-file-missing": Case(
        endpoint(
            *raised("FileNotFoundError: [Errno 2] No such file or directory: '/opt/ml/model/m.pkl'")
        ),
        endpoint(*raised("FileNotFoundError: [Errno 2] No such file or directory: '/etc/m.pkl'")),
    ),
    "model-unreadable": Case(
        endpoint(*raised("_pickle.UnpicklingError: invalid load key, 'v'.")),
        endpoint(*raised("AttributeError: 'Model' object has no attribute 'predict'")),
    ),
    "wrong-host": Case(
        endpoint("[INFO] Listening at: http://127.0.0.1:8080 (7)"),
        endpoint("nginx: 0.0.0.0:8080", "[INFO] Listening at: http://127.0.0.1:8000 (7)"),
    ),
    "wrong-port": Case(
        endpoint("INFO: Uvicorn running on http://0.0.0.0:5000 (Press CTRL+C to quit)"),
        endpoint("INFO: Uvicorn running on http://0.0.0.0:8080 (Press CTRL+C to quit)"),
    ),
    "memory": Case(
        endpoint("[ERROR] Worker (pid:9) was sent SIGKILL! Perhaps out of memory?"),
        endpoint("[INFO] Worker exiting (pid: 137)"),
    ),
    "gpu-memory": Case(
        endpoint(
            *raised("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB")
        ),
        endpoint(*raised("RuntimeError: CUDA error: device-side assert triggered")),
    ),
    "worker-timeout": Case(
        endpoint("[CRITICAL] WORKER TIMEOUT (pid:12)"),
        endpoint("[INFO] worker timeout is 60"),
    ),
    "upstream-timeout": Case(
        endpoint("[error] 9#9: *1 upstream timed out (110: Connection timed out)", reason="x"),
        endpoint("[error] 9#9: *1 upstream sent no header", reason="x"),
    ),
    "nginx-no-upstream": Case(
        endpoint(
            "[crit] 9#9: *1 connect() to unix:/tmp/gunicorn.sock failed (2: No such file or "
            "directory) while connecting to upstream"
        ),
        endpoint("connect() to the database failed: password"),
    ),
    "body-too-large": Case(
        transform(
            "ClientError: See job logs for more information",
            "[error] 9#9: *1 client intended to send too large body: 2097152 bytes",
        ),
        transform("ClientError: See job logs", "sent a body of 2097152 bytes"),
    ),
    "ping-failed": Case(
        endpoint("starting"),
        endpoint("the ping health check passed", reason="x"),
    ),
    "alarm-rollback": Case(
        endpoint(reason="One or more configured alarms went into ALARM state: iris-5xx."),
        endpoint(reason="The configured alarms are in OK state."),
    ),
    "rolled-back": Case(
        compared("the endpoint iris went back to its previous configuration; it runs Config-A"),
        compared("the endpoint iris is Updating"),
    ),
    "capacity": Case(
        training(
            "CapacityError: Unable to provision requested ML compute capacity due to "
            "InsufficientInstanceCapacity error. Please retry using a different ML instance type."
        ),
        training("ClientError: the capacity of the tank is insufficient"),
    ),
    "subnet-without-way": Case(
        training(
            "",
            'botocore.exceptions.ConnectTimeoutError: Connect timeout on endpoint URL: "https://'
            's3.eu-west-1.amazonaws.com/iris"',
        ),
        training("", 'requests.ConnectTimeout: HTTPSConnectionPool(host="example.com")'),
    ),
    "python-error": Case(
        endpoint(*raised("RuntimeError: the model has no weights")),
        endpoint("[INFO] RuntimeError is what you see when there are no weights"),
    ),
    "segfault": Case(
        training("AlgorithmError: , exit code: 139", "starting"),
        training("AlgorithmError: , exit code: 13", "139 records"),
    ),
    "data-missing": Case(
        training(
            'ClientError: No S3 objects found under S3 URL "s3://iris/in" given in input data '
            "source. Please ensure that the bucket exists in the selected region (eu-west-1)."
        ),
        training("ClientError: Data download failed:Unable to list objects under s3://iris/in"),
    ),
    "data-download": Case(
        training("ClientError: Data download failed:PermanentRedirect (301)"),
        training("ClientError: the data was downloaded, and is wrong"),
    ),
    "artifact-upload": Case(
        training("ClientError: Artifact upload failed: S3 refuses"),
        training("ClientError: the artifact is empty"),
    ),
    "max-wait": Case(
        training(steps=("Starting", "MaxWaitTimeExceeded")),
        training(steps=("Starting", "MaxRuntimeExceeded")),
    ),
    "max-runtime": Case(
        training(steps=("Training", "MaxRuntimeExceeded")),
        training("", "MaxRuntimeInSeconds is 3600", steps=("Training", "Failed")),
    ),
    "spot-interrupted": Case(
        training(steps=("Training", "Interrupted")),
        training("", "KeyboardInterrupt is not handled", steps=("Training",)),
    ),
    "batch-record": Case(
        transform("ClientError: Payload exceeds the limit of MaxPayloadInMB"),
        transform("ClientError: x", "MaxPayloadInMB=6"),
    ),
    "batch-timeout": Case(
        transform("", "Model server did not respond to /invocations request within 600 seconds"),
        transform("", "the model server responded to /invocations within 6 seconds"),
    ),
    "multi-record": Case(
        transform("", "json.decoder.JSONDecodeError: Extra data: line 2 column 1 (char 12)"),
        transform("", "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
    ),
    "batch-status": Case(
        transform(
            "", "[sagemaker logs]: iris/in/1.csv: Bad HTTP status received from algorithm: 500"
        ),
        transform("", "[sagemaker logs]: iris/in/1.csv: 500 records"),
    ),
    "training-error": Case(
        training(
            'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "KeyError: '
            '\'species\'"\nCommand "/usr/bin/python3 train.py", exit code: 1'
        ),
        training("AlgorithmError: , exit code: 1", "no error"),
    ),
    "algorithm-error": Case(
        training("AlgorithmError: , exit code: 2", "bye"),
        training("ClientError: the exit code: 2 is not of the algorithm"),
    ),
    "internal-error": Case(
        training("InternalServerError: We encountered an internal error. Please try again."),
        training("ClientError: the server's own words"),
    ),
    "custom-name-replacement": Case(
        event(
            "Config",
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            "Rename iris-config and update the stack again.",
        ),
        event("Config", "the resource has a custom name"),
    ),
    "already-exists": Case(
        event(
            "Config",
            'Cannot create already existing endpoint configuration "arn:aws:sagemaker:eu-west-1:'
            '123456789012:endpoint-config/iris".',
        ),
        training("AlgorithmError: FileExistsError: [Errno 17] the file model already exists"),
    ),
    "config-in-use": Case(
        event("Config", 'Cannot delete in-use endpoint config "iris-config"'),
        event("Config", "the endpoint config uses one instance"),
    ),
    "not-found-yet": Case(
        event(
            "Endpoint", 'Could not find endpoint configuration "arn:aws:sagemaker:eu-west-1:1:e/x"'
        ),
        event("Model", "Could not find model data at s3://iris/model.tar.gz."),
    ),
    "endpoint-busy": Case(
        event("Endpoint", 'Cannot update in-progress endpoint "iris".'),
        event("Endpoint", "The endpoint is in progress"),
    ),
    "scaled-variant-blocks": Case(
        event(
            "Endpoint",
            "The variant(s) main must be deregistered: they are registered as a scalable target "
            "with automatic scaling",
        ),
        event("Target", "The scalable target was not found"),
    ),
    "scaling-burstable": Case(
        event(
            "Target", "Autoscaling is not supported for burstable instances such as ml.t2.medium"
        ),
        event("Endpoint", "The instance type ml.t2.medium is not available"),
    ),
    "to-serverless": Case(
        event("Endpoint", "Cannot update an endpoint from instance based to serverless."),
        event("Endpoint", "Cannot update a serverless endpoint with the memory size 100"),
    ),
    "scale-to-zero": Case(
        event("Target", "MinInstanceCount must be greater than or equal to 1 for this variant"),
        event("Target", "MinInstanceCount must be smaller than MaxInstanceCount"),
    ),
    "bucket-not-empty": Case(
        event("Bucket", "The bucket you tried to delete is not empty (Error Code: BucketNotEmpty)"),
        event("Bucket", "The bucket name is empty"),
    ),
    "repository-not-empty": Case(
        event(
            "Repository",
            "The repository with name 'iris' in registry with id '123456789012' cannot be deleted "
            "because it still contains images",
        ),
        event("Repository", "The repository with name 'iris' has an invalid policy"),
    ),
    "network-in-use": Case(
        event("Group", "resource sg-0123 has a dependent object (Error Code: DependencyViolation)"),
        event("Group", "resource sg-0123 has no rules"),
    ),
    "export-in-use": Case(
        event(
            "Bucket", "Export iris:BucketName cannot be deleted as it is in use by iris-endpoint"
        ),
        event("Bucket", "Export iris:BucketName is exported"),
    ),
    "protected-stack": Case(
        event("Bucket", "Stack [iris] cannot be deleted while TerminationProtection is enabled"),
        event("Bucket", "TerminationProtection is enabled"),
    ),
    "not-bootstrapped": Case(
        event(
            "Bucket",
            "Unable to fetch parameters [/cdk-bootstrap/hnb659fds/version] from parameter store",
        ),
        event("Bucket", "Unable to fetch parameters [/iris/version] from parameter store"),
    ),
    "template-too-large": Case(
        event(
            "Bucket",
            "1 validation error detected: Value '...' at 'templateBody' failed to satisfy "
            "constraint: Member must have length less than or equal to 51200",
        ),
        event("Bucket", "Value '300' at 'memory' failed to satisfy constraint"),
    ),
    "invalid-property": Case(
        event(
            "Function",
            "Properties validation failed for resource Function with message: #/MemorySize: 50 is "
            "not greater or equal to 128",
        ),
        event("Function", "The properties are valid"),
    ),
    "rollback-image-gone": Case(
        event(
            "Function",
            f"Source image {IMAGE}@sha256:ab12 does not exist. Provide a valid source image.",
            "UPDATE_ROLLBACK_FAILED",
        ),
        event("Function", f"Source image {IMAGE} does not exist.", "UPDATE_ROLLBACK_COMPLETE"),
    ),
    "update-rollback-failed": Case(
        stack("UPDATE_ROLLBACK_FAILED"),
        stack("UPDATE_ROLLBACK_COMPLETE"),
    ),
    "never-made": Case(stack("ROLLBACK_COMPLETE"), stack("UPDATE_ROLLBACK_COMPLETE")),
    "stack-busy": Case(
        event("Bucket", "Stack:arn:s is in UPDATE_IN_PROGRESS state and can not be updated."),
        event("Bucket", "Stack:arn:s is in ROLLBACK_COMPLETE state and can not be updated."),
    ),
}

UNKNOWN = Evidence(
    ENDPOINT,
    "iris",
    "Failed",
    (
        Line(STATUS, "Failed", "endpoint iris", "", ENDPOINT),
        Line(REASON, "The moon was in the wrong place", "FailureReason", "", ENDPOINT),
        *lines(ENDPOINT, "starting", "loading", "ready"),
    ),
)
