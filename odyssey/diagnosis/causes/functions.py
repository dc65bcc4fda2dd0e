"""Causes in Lambda functions: how they start, and how their calls end."""

from __future__ import annotations

from odyssey.diagnosis.causes.cause import REFUSAL, ROOT, SYMPTOM, TRACE, Cause, ran

_ERRORS = "https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html"
_IMAGES = "https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-images.html"
_LIMITS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
_SANDBOX = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"

CAUSES = (
    Cause(
        "function-import",
        "the function cannot be imported: {problem}",
        "Runtime.ImportModuleError: the handler's module, or one that it imports, is not in the "
        "image.",
        "add the package to requirements.txt, then odyssey docker build, push and odyssey lambda "
        "serve; odyssey docker test imports it as Lambda does",
        _ERRORS,
        ROOT,
        (
            ran(r"Unable to import module '[^']+': (?P<problem>[^\n\"]+)"),
            ran(r"Runtime\.ImportModuleError"),
        ),
        otherwise={"problem": "the log has no more"},
    ),
    Cause(
        "function-handler",
        "the handler is not in its module",
        "Runtime.HandlerNotFound: the image's CMD names a function that its file does not define.",
        "keep the CMD of the Dockerfile as odyssey init writes it, or correct its MODULE.FUNCTION",
        _ERRORS,
        ROOT,
        (
            ran(r"Runtime\.HandlerNotFound|Handler '[^']+' missing on module"),
            ran(r"Runtime\.MalformedHandlerName"),
        ),
    ),
    Cause(
        "function-memory",
        "the function used all of its memory, {memory}",
        "Lambda ends the process that goes beyond it; processing power grows with the memory, too.",
        "raise memory_mb under [function] (up to 10,240), or load less",
        _LIMITS,
        ROOT,
        (
            ran(r"Runtime\.OutOfMemory"),
            ran(r"Memory Size: (?P<memory>(\d+) MB)\s+Max Memory Used: \2 MB"),
            ran(r"Error: Runtime exited with error: signal: killed"),
            ran(r"(?m)^(?:\[ERROR\] )?MemoryError\b"),
        ),
        otherwise={"memory": "which memory_mb sets"},
    ),
    Cause(
        "function-timeout",
        "a call took longer than the function's timeout of {seconds} seconds",
        "The first call also loads the model; without a setting the timeout is 3 seconds.",
        "raise timeout under [function] (up to 900), or memory_mb, which makes it faster; a URL or "
        "an API in front may wait less",
        _ERRORS,
        ROOT,
        (
            ran(r"Task timed out after (?P<seconds>[\d.]+) seconds"),
            ran(r"^REPORT RequestId: .*Status: timeout"),
        ),
        otherwise={"seconds": "its setting's"},
    ),
    Cause(
        "function-init-timeout",
        "the function took longer than 10 seconds to start",
        "What takes longer is begun again within the first call, whose timeout it then uses up.",
        "import and load less at the start, raise memory_mb, or set provisioned_concurrency under "
        "[function]",
        _SANDBOX,
        TRACE,
        (ran(r"INIT_REPORT .*Status: timeout|Phase: init\s+Status: timeout"),),
    ),
    Cause(
        "function-read-only",
        "the function writes to {path}, and only /tmp can be written",
        "The image is read-only on Lambda, the home folder, too: caches of libraries go there.",
        "write below /tmp, or set HF_HOME, TORCH_HOME, MPLCONFIGDIR, NUMBA_CACHE_DIR and "
        "XDG_CACHE_HOME to it under [function] environment; or bake the files into the image",
        _LIMITS,
        ROOT,
        (
            ran(r"Read-only file system: '?(?P<path>[^\s'\"]+)"),
            ran(r"\[Errno 30\] Read-only file system|EROFS\b"),
        ),
        otherwise={"path": "the image"},
    ),
    Cause(
        "function-shared-memory",
        "the function uses shared memory, and Lambda has no /dev/shm",
        "Queues and pools of multiprocessing, and the worker processes of torch's DataLoader, need "
        "it.",
        "num_workers=0, threads instead of processes, or multiprocessing.Pipe with Process",
        "https://aws.amazon.com/blogs/compute/parallel-processing-in-python-with-aws-lambda/",
        ROOT,
        (
            ran(r"\[Errno 38\] Function not implemented|_multiprocessing\.SemLock|SemLock\("),
            ran(r"(?:No such file or directory|Unable to open shared memory)\W+/dev/shm"),
        ),
    ),
    Cause(
        "function-files",
        "the function has more files or processes open than Lambda allows: 1,024",
        "Connections count, too; what a call leaves open stays open for the next one.",
        "close what is opened, and make clients once, outside of the handler",
        _LIMITS,
        ROOT,
        (
            ran(r"\[Errno 24\] Too many open files|EMFILE\b"),
            ran(r"can't start new thread|\[Errno 11\] Resource temporarily unavailable"),
        ),
    ),
    Cause(
        "function-payload",
        "a request or an answer is larger than Lambda takes: 6 MB",
        "6,291,456 bytes each way, and less for an asynchronous event.",
        "send less at once, or send the place of a file in S3 instead of its content",
        _LIMITS,
        ROOT,
        (
            ran(r"RequestEntityTooLarge|Request must be smaller than \d+ bytes"),
            ran(
                r"[Rr]esponse payload size .*exceeded maximum allowed payload size|ResponseSizeTooL"
            ),
        ),
    ),
    Cause(
        "function-variables",
        "the function's environment is larger than 4 KB",
        "All names and values of its variables together have 4,096 bytes.",
        "shorten environment under [function]; keep long values in a file of the image or in SSM",
        _LIMITS,
        REFUSAL,
        (ran(r"environment variables you have provided exceeded the 4 ?KB limit"),),
    ),
    Cause(
        "function-unpublished",
        "the function sleeps: it was not called for weeks, or its image is out of reach",
        "Lambda makes an idle function Inactive, and reads its image again when it is called.",
        "call it again after a minute; if it fails, look that the image still is in its repository",
        "https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html",
        SYMPTOM,
        (ran(r"function's image .*(?:deleted|not accessible)|ImageDeleted|ImageAccessDenied"),),
    ),
    Cause(
        "function-exit",
        "the function's process ended by itself: {status}",
        "Runtime.ExitError: the program called exit, was killed, or could not start.",
        "read the lines of the log before it; odyssey local serve and odyssey docker test run the "
        "same handler here",
        _ERRORS,
        SYMPTOM,
        (
            ran(r"Runtime exited with error: (?P<status>exit status \d+|signal: [\w ]+)"),
            ran(r"Runtime\.ExitError|Extension\.Crash"),
        ),
        otherwise={"status": "the log says no more"},
    ),
    Cause(
        "function-error",
        "the function ended with {error}",
        "It is the last error that Python reports, and none of those that have a name of their "
        "own here.",
        "read the traceback in the log; odyssey local serve runs the same serve.py here",
        _ERRORS,
        TRACE,
        (
            ran(
                r"^\[ERROR\] (?!Runtime\.|MemoryError)"
                r"(?P<error>(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Exit)\b(?:: .{0,160})?)"
            ),
            ran(r"^(?P<error>(?:\w+\.)*[A-Z]\w*(?:Error|Exception)(?:: .{0,160})?)$"),
        ),
    ),
)
"""The causes; where two are on one line, the earlier is the more exact."""
