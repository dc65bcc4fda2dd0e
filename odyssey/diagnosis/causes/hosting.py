"""Causes in how an endpoint's container loads the model, answers the ping and serves."""

from __future__ import annotations

from odyssey.diagnosis.causes.cause import (
    CONTAINERS,
    REFUSAL,
    ROOT,
    SYMPTOM,
    TRACE,
    Cause,
    logged,
    refused,
    stands,
    told,
)
from odyssey.diagnosis.evidence import ENDPOINT, TRANSFORM

_SERVING = "https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html"
_MODEL = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html"
_CREATE = "https://repost.aws/knowledge-center/sagemaker-endpoint-creation-fail"
_GUARD = "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html"
_SERVES = frozenset({ENDPOINT, TRANSFORM})

CAUSES = (
    Cause(
        "model-data-access",
        "the role may not read the model at {uri}",
        "SageMaker reads the model with the model's execution role, and needs s3:GetObject on the "
        "object (and kms:Decrypt where a key of your own encrypts it).",
        "allow s3:GetObject on {uri} to the role; or deploy with odyssey, whose role has it",
        _CREATE,
        REFUSAL,
        (refused(r"Could not access model data at (?P<uri>s3://[^\s,]*[\w/])"),),
    ),
    Cause(
        "model-data-missing",
        "there is no model at {uri}",
        "The object is not there, or not in the endpoint's region.",
        "odyssey sagemaker train or odyssey sagemaker upload, then deploy again; aws s3 ls {uri} "
        "looks",
        _MODEL,
        REFUSAL,
        (refused(r"Could not find model data at (?P<uri>s3://[^\s,]*[\w/])"),),
    ),
    Cause(
        "model-archive",
        "{uri} is not a .tar.gz archive that can be unpacked",
        "The model is one gzip-compressed tar archive; a plain tar or zip, links and absolute "
        "paths in it, or a damaged upload are refused.",
        "odyssey sagemaker upload FILES packs one that fits; by hand: tar -czf model.tar.gz -C "
        "model .",
        _CREATE,
        REFUSAL,
        (
            refused(
                r"Failed to extract model data archive.*?(?:from URL \"(?P<uri>s3://[^\"]+)\")?"
                r"\. Please ensure"
            ),
            refused(r"(?P<uri>s3://\S+)? ?is not a valid tar\.gz|valid tar\.gz archive"),
        ),
        otherwise={"uri": "the model"},
    ),
    Cause(
        "model-download-timeout",
        "the model was not downloaded in time",
        "There are 3 minutes for a serverless endpoint, and as long as "
        "ModelDataDownloadTimeoutInSeconds (60 to 3600) says on instances.",
        "make the model smaller, or raise startup_timeout under [endpoint]",
        _SERVING,
        REFUSAL,
        (
            refused(
                r"(?i)model data download.*(?:time|took too)|timed? ?out.*download\w* (?:of )?the "
                r"model|ModelDataDownloadTimeout"
            ),
        ),
    ),
    Cause(
        "model-file-missing",
        "the program does not find {path}",
        "What is in model.tar.gz is unpacked into /opt/ml/model as it is: with a folder at the top "
        "of the archive every file lies one folder deeper.",
        "pack the files themselves (odyssey sagemaker upload does; tar -czf model.tar.gz -C model "
        ".), or read the name that the archive has: tar -tzf model.tar.gz",
        "https://github.com/aws/sagemaker-tensorflow-serving-container/issues/122",
        ROOT,
        (
            told(
                r"(?:No such file or directory|does not exist|not found): '?"
                r"(?P<path>/opt/ml/model/[^\s']*)",
                _SERVES,
            ),
        ),
    ),
    Cause(
        "model-unreadable",
        "the model cannot be read by the library that serves it: {problem}",
        "A pickled model needs the same libraries, in about the same versions, as it was trained "
        "with, and the classes of the file that trained it.",
        "pin the versions in requirements.txt, the same for train.py and serve.py, then train, "
        "build and deploy again",
        "https://scikit-learn.org/stable/model_persistence.html",
        ROOT,
        (
            told(r"(?P<problem>(?:_?pickle\.)?UnpicklingError: .{0,120})", _SERVES),
            told(
                r"(?P<problem>AttributeError: Can't get attribute '\w+' on <module.{0,80})", _SERVES
            ),
            told(r"(?P<problem>ValueError: node array from the pickle.{0,80})", _SERVES),
            told(r"(?P<problem>Error\(s\) in loading state_dict for \w+)", _SERVES),
        ),
    ),
    Cause(
        "wrong-host",
        "the server listens on 127.0.0.1, where SageMaker does not reach it",
        "The ping comes from outside of the container.",
        "listen on 0.0.0.0:8080 (the rocket of odyssey init does)",
        _SERVING,
        ROOT,
        (
            logged(
                r"(?i)(?:listening (?:at|on)|running on):? (?:https?://)?(?:127\.0\.0\.1|localhost)"
                r":\d+",
                _SERVES,
            ),
        ),
        needs=(refused(r"(?i)ping health check|did not respond"),),
        unless=(logged(r"0\.0\.0\.0:8080|nginx", _SERVES),),
    ),
    Cause(
        "wrong-port",
        "the server listens on port {port}, and SageMaker asks port 8080",
        "GET /ping and POST /invocations come to port 8080.",
        "listen on 0.0.0.0:8080 (the rocket of odyssey init does)",
        _SERVING,
        ROOT,
        (
            logged(
                r"(?i)(?:listening (?:at|on)|running on):? (?:https?://)?(?:0\.0\.0\.0|\[::\]|\*)"
                r":(?P<port>(?!8080\b)\d+)",
                _SERVES,
            ),
        ),
        needs=(refused(r"(?i)ping health check|did not respond"),),
        unless=(logged(r":8080\b|nginx", _SERVES),),
    ),
    Cause(
        "memory",
        "the program was killed, most likely because it used more memory than there is",
        "The kernel ends the process that goes beyond the machine's memory with signal 9, which is "
        "exit code 137. Each worker loads a model of its own.",
        "take an instance type (or memory_mb) with more memory, or fewer workers under [server]; "
        "in training read the data in parts",
        _SERVING,
        ROOT,
        (
            told(r"(?i)exit (?:code|status):? 137\b|ExitCode 137|returned code 137"),
            told(r"(?i)was (?:sent SIGKILL|terminated due to signal 9)|perhaps out of memory\?"),
            told(
                r"(?i)\boom[- ]?kill|OutOfMemory(?!Error: CUDA)|^MemoryError\b"
                r"|Cannot allocate memory|Out of memory: Kill"
            ),
            told(r"Please use an instance type with more memory"),
        ),
        unless=(told(r"CUDA out of memory"),),
    ),
    Cause(
        "gpu-memory",
        "the GPU has too little memory",
        "The model, its activations and every process on the GPU share its memory.",
        "a smaller batch or a smaller model, one worker (workers = 1 under [server]), or an "
        "instance type whose GPU has more",
        _SERVING,
        ROOT,
        (told(r"CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|CUBLAS_STATUS_ALLOC_FAILED"),),
    ),
    Cause(
        "worker-timeout",
        "a worker was silent for longer than the server allows, and was ended",
        "Loading the model or one prediction takes longer than the server's timeout; SageMaker "
        "itself waits 60 seconds for an answer.",
        "raise timeout under [server], load the model once and not in each request, or take a "
        "faster instance type; longer than 60 seconds: [endpoint] kind async",
        _SERVING,
        ROOT,
        (logged(r"\bWORKER TIMEOUT\b", _SERVES),),
    ),
    Cause(
        "upstream-timeout",
        "an answer took longer than SageMaker waits for it: 60 seconds",
        "A request that is not answered in 60 seconds fails, though the model may go on.",
        "make the prediction faster, send fewer records at once, or serve asynchronously: "
        "[endpoint] kind = async, which waits up to an hour",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html",
        ROOT,
        (
            told(
                r"invocation timed out while waiting for a response from container"
                r"|upstream timed out \(110",
                frozenset({ENDPOINT}),
            ),
        ),
    ),
    Cause(
        "nginx-no-upstream",
        "nginx answers 502: the server behind it does not run",
        "nginx is there before the server's workers are, or they have ended; the ping fails "
        "meanwhile.",
        "look in the log for why the workers ended; odyssey local serve starts the same server "
        "here",
        "https://github.com/aws/amazon-sagemaker-examples/issues/650",
        TRACE,
        (
            logged(
                r"connect\(\) (?:to \S+ )?failed \((?:2: No such file|111: Connection refused)"
                r"|upstream prematurely closed connection",
                _SERVES,
            ),
        ),
    ),
    Cause(
        "body-too-large",
        "the server in the container takes no body of that size",
        "A 413 comes from the server's own limit, which is nginx's 1 MB unless it is set; "
        "SageMaker itself takes about 6 MB, 4 MB serverless, and up to 100 MB in a transform job.",
        "raise max_payload_mb under [server] (client_max_body_size of nginx), or send smaller "
        "bodies: max_payload under [transform]",
        "https://github.com/aws/sagemaker-python-sdk/issues/1882",
        ROOT,
        (
            told(
                r"client intended to send too large body|413 Request Entity Too Large"
                r"|Bad HTTP status received from algorithm: 413|ClientError: 413\b",
                CONTAINERS,
            ),
        ),
    ),
    Cause(
        "ping-failed",
        "the container did not answer the ping in time",
        "GET /ping on port 8080 must answer 200 within 2 seconds, again and again, from a few "
        "minutes after the start.",
        "look at the log for why the server does not start; odyssey docker test tries the same "
        "here; a model that loads slowly: raise startup_timeout under [endpoint] (60 to 3600)",
        _SERVING,
        SYMPTOM,
        (
            refused(r"did not pass the ping health check"),
            refused(r"(?i)Model (?:server|container) failed to respond to ping"),
        ),
    ),
    Cause(
        "alarm-rollback",
        "an alarm went off during the rollout, and SageMaker took it back",
        "An update with alarms goes back to the previous configuration as soon as one of them is "
        "in alarm.",
        "look at what the alarm measures (aws cloudwatch describe-alarm-history), and at the log "
        "of the new instances; an alarm without data must not count as one",
        _GUARD,
        REFUSAL,
        (
            refused(
                r"(?i)alarms?\b.*(?:went into|in(?:to)?|entered) (?:the )?ALARM\b|Alarm\w* .*breach"
            ),
        ),
    ),
    Cause(
        "rolled-back",
        "the endpoint serves, and serves its previous configuration",
        "SageMaker takes an update that fails back by itself; InService does not mean that the "
        "update went well.",
        "look at the reason and the log of the failed update, mend it, and deploy again",
        _GUARD,
        SYMPTOM,
        (stands(r"went back to its previous configuration"), stands(r"^UpdateRollbackFailed")),
    ),
    Cause(
        "capacity",
        "AWS has no machine of this type free: {type}",
        "Capacity of an instance type differs by region, zone and hour, whatever the quota says.",
        "try again later, or take another instance type, region or subnet",
        "https://repost.aws/knowledge-center/sagemaker-insufficient-capacity-error",
        REFUSAL,
        (
            refused(
                r"InsufficientInstanceCapacity|CapacityError: |Unable to provision requested ML "
                r"compute capacity|(?i:insufficient capacity)(?:.*(?P<type>ml\.[\w.-]+\w))?"
            ),
        ),
        otherwise={"type": "the one that was asked for"},
    ),
    Cause(
        "subnet-without-way",
        "the container in the VPC has no way to {service}",
        "In a VPC the container goes by the subnets' routes: without a NAT gateway or a VPC "
        "endpoint S3, ECR and CloudWatch are out of reach.",
        "add a gateway endpoint for S3 and interface endpoints for ECR and logs to the VPC, or "
        "leave [network] out",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html",
        ROOT,
        (
            told(
                r"(?:ConnectTimeoutError|EndpointConnectionError|Connect timeout on endpoint URL|"
                r"Could not connect to the endpoint URL).{0,40}https?://(?P<service>[\w.-]*amazonaws"
                r"\.com)"
            ),
        ),
    ),
    Cause(
        "python-error",
        "the program in the container ended with {error}",
        "It is the last error that Python reports, and none of those that have a name of their "
        "own here.",
        "read the traceback above it in the log; odyssey local train or odyssey local serve runs "
        "the same file here",
        _SERVING,
        TRACE,
        (
            told(
                r"^(?:.*?[\]|:] ?)?(?P<error>(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit"
                r"|Warning as error)\b(?:: .{0,160})?)",
                frozenset({ENDPOINT}),
            ),
        ),
        needs=(
            told(r"^(?:.*?[\]|] ?)?Traceback \(most recent call last\)", frozenset({ENDPOINT})),
        ),
    ),
)
"""The causes; where two are on one line, the earlier is the more exact."""
