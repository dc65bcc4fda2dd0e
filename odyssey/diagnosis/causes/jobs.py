"""Causes in training and transform jobs."""

from __future__ import annotations

from odyssey.diagnosis.causes.cause import (
    JOBS,
    REFUSAL,
    ROOT,
    SYMPTOM,
    TRACE,
    Cause,
    refused,
    stands,
    told,
)
from odyssey.diagnosis.evidence import TRAINING, TRANSFORM

_TRAINING = "https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html"
_BATCH = "https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-errors.html"
_SPOT = "https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html"
_TRAIN = frozenset({TRAINING})
_TRANSFORM = frozenset({TRANSFORM})

CAUSES = (
    Cause(
        "segfault",
        "the program ended with a segmentation fault",
        "Compiled code reached for memory that is not its own: exit code 139, signal 11. Most "
        "often libraries that do not fit each other, or the processor.",
        "pin numpy and what is built on it to versions that go together, and try it in the image: "
        "odyssey docker train",
        _TRAINING,
        ROOT,
        (
            told(
                r"(?i)exit (?:code|status):? 139\b|ExitCode 139|Segmentation fault|\bSIGSEGV\b",
                frozenset(),
            ),
        ),
    ),
    Cause(
        "data-missing",
        "there is no input at {uri}",
        "No object's key begins with it: a typing error, another bucket, or data that was never "
        "uploaded.",
        "aws s3 ls {uri} looks; odyssey sagemaker train -i FOLDER uploads a folder first",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html",
        REFUSAL,
        (
            told(r"No S3 objects found under S3 URL \"?(?P<uri>s3://[^\s\"]+)", JOBS),
            told(r"S3 key (?P<uri>s3://\S+) (?:does not exist|matched no files)", JOBS),
        ),
    ),
    Cause(
        "data-download",
        "the input could not be downloaded",
        "The job's role may not list the bucket or read its objects, a key of KMS refuses it, or "
        "the bucket is in another region.",
        "allow s3:ListBucket on the bucket and s3:GetObject on its objects to the job's role",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
        REFUSAL,
        (
            told(
                r"Data download failed|Unable to list objects|Failed to download data\. (?:Cannot|"
                r"Permission)|S3 download failed|PermanentRedirect",
                JOBS,
            ),
        ),
        unless=(told(r"No S3 objects found", JOBS),),
    ),
    Cause(
        "artifact-upload",
        "what the job made could not be uploaded",
        "The job's role needs s3:PutObject under S3OutputPath, and kms:GenerateDataKey where the "
        "bucket has a key.",
        "allow s3:PutObject on the output's prefix to the job's role",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
        REFUSAL,
        (
            told(
                r"Artifact upload failed|(?:Failed|Unable) to upload (?:the )?(?:model|output|"
                r"artifact)\w*",
                JOBS,
            ),
        ),
    ),
    Cause(
        "max-wait",
        "no spare machine was free for long enough: MaxWaitTimeExceeded",
        "With spot, the job waits for spare capacity, and starts anew when it loses it.",
        "raise max_wait under [training], write checkpoints to /opt/ml/checkpoints, or set spot = "
        "false",
        _SPOT,
        REFUSAL,
        (
            stands(r"^MaxWaitTimeExceeded"),
            refused(r"MaxWaitTimeExceeded|exceeded (?:the )?MaxWaitTimeInSeconds", _TRAIN),
        ),
    ),
    Cause(
        "max-runtime",
        "the job was stopped after its longest time: MaxRuntimeExceeded",
        "A job that runs longer than MaxRuntimeInSeconds is stopped; what /opt/ml/model holds by "
        "then is uploaded.",
        "raise max_runtime under [training] (up to 2,419,200 seconds), or train less",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html",
        REFUSAL,
        (
            stands(r"^MaxRuntimeExceeded"),
            refused(r"MaxRuntimeExceeded|exceeded (?:the )?MaxRuntimeInSeconds", JOBS),
        ),
    ),
    Cause(
        "spot-interrupted",
        "the spare machine was taken back while the job ran",
        "Spot capacity goes whenever AWS needs it; the job starts anew from its checkpoints.",
        "write checkpoints to /opt/ml/checkpoints and read them at the start, or set spot = false "
        "under [training]",
        _SPOT,
        SYMPTOM,
        (
            stands(r"^Interrupted"),
            refused(r"(?i)spot (?:instance|capacity)\w* .*interrupt|interrupted due to", _TRAIN),
        ),
    ),
    Cause(
        "batch-record",
        "a record or an object is larger than one request may be",
        "A request of a transform job holds MaxPayloadInMB at most (6 unless it is set, up to "
        "100), and a record is never split.",
        "raise max_payload under [transform] (with max_concurrent together 100 at most), or set "
        "split_type = Line",
        _BATCH,
        REFUSAL,
        (
            told(
                r"(?i)(?:payload|record|object).{0,80}(?:exceeds?|larger than|too large).{0,60}"
                r"MaxPayload|MaxPayloadInMB.{0,60}exceed",
                _TRANSFORM,
            ),
        ),
    ),
    Cause(
        "batch-timeout",
        "the model did not answer a request of the job in time",
        "A request may take InvocationsTimeoutInSeconds, 600 unless it is set, 3600 at most.",
        "smaller requests (max_payload, strategy = SingleRecord under [transform]), or a faster "
        "instance type",
        _BATCH,
        ROOT,
        (
            told(
                r"(?i)did not respond to /invocations request within|InvocationsTimeoutInSeconds"
                r".{0,40}(?:exceed|reach)|read timeout=\d+.*invocations",
                _TRANSFORM,
            ),
        ),
    ),
    Cause(
        "multi-record",
        "the handler reads one JSON document, and got several lines of them",
        "MultiRecord joins as many records as fit into one request, one a line.",
        "read the body line by line (application/jsonlines), or set strategy = SingleRecord under "
        "[transform]",
        "https://github.com/huggingface/notebooks/issues/227",
        ROOT,
        (told(r"JSONDecodeError\W+Extra data: line 2 column 1", _TRANSFORM),),
    ),
    Cause(
        "batch-status",
        "the model answered a request of the job with an error: {status}",
        "An object with a failed record gets no output; others may have theirs.",
        "odyssey local request with one of the records shows the answer here; the log has the "
        "model's own words",
        _BATCH,
        SYMPTOM,
        (
            told(r"Bad HTTP status received from algorithm: (?P<status>\d{3})", _TRANSFORM),
            told(r"ClientError: (?!413)(?P<status>[45]\d\d)\b", _TRANSFORM),
            # What the container answered, in the log of the data.
            told(r"\[sagemaker logs\]: \S+: \{\"error\": ", _TRANSFORM),
        ),
        otherwise={"status": "see the log of its data"},
    ),
    Cause(
        "training-error",
        "the training program ended with {error}",
        "It is the last error that Python reports, and none of those that have a name of their "
        "own here.",
        "read the traceback above it in the log; odyssey local train or odyssey docker train runs "
        "the same train.py here",
        _TRAINING,
        TRACE,
        (
            told(
                r"^(?:.*?[\]|] |AlgorithmError: |.*ErrorMessage \"|.*, )?"
                r"(?P<error>(?!Algorithm|Client|ExecuteUserScript|Internal)(?:\w+\.)*[A-Z]\w*"
                r"(?:Error|Exception|Interrupt|Exit)\b(?:: .{0,160})?)",
                JOBS,
            ),
        ),
        needs=(told(r"Traceback \(most recent call last\)|AlgorithmError: |ErrorMessage", JOBS),),
    ),
    Cause(
        "algorithm-error",
        "the container ended with exit code {code}",
        "Every exit code but 0 is a failure; what the program wrote to /opt/ml/output/failure "
        "would stand here.",
        "look at the end of the log: odyssey sagemaker logs {name}; and try it here: odyssey "
        "docker train",
        _TRAINING,
        SYMPTOM,
        (refused(r"AlgorithmError\b(?:[\s\S]*?[Ee]xit ?[Cc]ode:? (?P<code>\d+))?", JOBS),),
        otherwise={"code": "other than 0"},
    ),
    Cause(
        "internal-error",
        "SageMaker itself had an error",
        "An InternalServerError is none of the program's.",
        "start the job again; if it stays, ask AWS support with the job's ARN",
        _TRAINING,
        REFUSAL,
        (refused(r"InternalServerError|InternalFailure|[Uu]nexpected internal error"),),
    ),
)
"""The causes; where two are on one line, the earlier is the more exact."""
