"""Causes in the image of a container, and in how a machine starts it."""

from __future__ import annotations

from odyssey.diagnosis.causes.cause import ANY, REFUSAL, ROOT, Cause, logged, refused, told

_SERVING = "https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html"
_TRAINING = "https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html"

CAUSES = (
    Cause(
        "image-manifest",
        "the image is in a form that the service does not take",
        "SageMaker and Lambda take the manifest of one platform: no index, as docker build makes "
        "one with attestations, and no layers but gzip.",
        "odyssey docker build and odyssey docker push, which make one that fits; by hand: docker "
        "build --provenance=false --sbom=false --platform linux/amd64",
        "https://github.com/docker/buildx/issues/1533",
        REFUSAL,
        (
            refused(
                r"image manifest, config or layer media type for the source image .* is not "
                r"supported"
            ),
            refused(r"(?i)unsupported (?:image )?manifest (?:media )?type"),
            refused(r"UnsupportedImageLayerDetected"),
        ),
    ),
    Cause(
        "image-other-region",
        "the image is in another region than what runs it",
        "Models and functions take images of their own region only.",
        "push it there: odyssey docker push --region REGION, then deploy again",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html",
        REFUSAL,
        (
            refused(
                r"(?i)(?:image|repository).*(?:must be in|is not in|in) the same (?:aws )?region"
                r"|cross-region .*(?:image|ecr)|image .* is in region \S+"
            ),
        ),
    ),
    Cause(
        "image-missing",
        "there is no such image: {image}",
        "The tag or digest was never pushed there, or a lifecycle rule has removed it; the account "
        "and the region in the URI may be others than meant.",
        "odyssey docker push, then deploy again; aws ecr describe-images --repository-name "
        "REPOSITORY lists what is there",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-retag.html",
        REFUSAL,
        (
            refused(r"(?i)Source image (?P<image>\S+) does not exist"),
            refused(r"Requested image (?P<image>\S+) not found"),
            refused(r"manifest for (?P<image>\S+) not found"),
            refused(r"(?i)image with imageId .*does not exist"),
            refused(r"The repository of your image (?P<image>\S+) does not exist"),
            refused(r"repository with name '(?P<image>[^']+)' does not exist"),
        ),
        otherwise={"image": "the one that the resource names"},
    ),
    Cause(
        "exec-format",
        "the image is for another processor than the machine that runs it",
        "An image built on Apple silicon or Graviton is for arm64, and most instances are amd64.",
        "odyssey docker build (platform under [docker] chooses), push and deploy again; for a "
        "function architecture under [function] must agree",
        _LAMBDA,
        ROOT,
        (told(r"(?i)exec format error|exec /\S+: exec format", ANY),),
    ),
    Cause(
        "entrypoint-missing",
        'the container cannot start: there is no program "{program}" in the image',
        "SageMaker runs `docker run IMAGE serve` or `train`: the word must be a program on the "
        "image's PATH, or its ENTRYPOINT must take it.",
        "keep the Dockerfile's ENTRYPOINT as odyssey init writes it, and try: odyssey docker test",
        _TRAINING,
        ROOT,
        (
            told(
                r'exec: "(?P<program>[^"]+)": (?:executable file not found|stat \S+ no such)', ANY
            ),
            told(r"fork/exec (?P<program>\S+): no such file or directory", ANY),
            told(r"Runtime\.InvalidEntrypoint", ANY),
            logged(
                r"^(?:/bin/)?(?:sh|bash|env): .*?(?P<program>serve|train)\S*: (?:command )?not f"
            ),
        ),
        unless=(told(r"(?i)exec format error", ANY),),
        otherwise={"program": "(its entrypoint)"},
    ),
    Cause(
        "permission-in-image",
        "a file may not be read, written or run: {path}",
        "On Lambda and on serverless endpoints the container runs as a user without rights: files "
        "must be readable and programs executable for everybody.",
        "in the Dockerfile: RUN chmod -R o+rX on what is read, chmod 755 on programs; write to "
        "/tmp only; odyssey docker test shows it",
        _LAMBDA,
        ROOT,
        (
            told(r"PermissionError: \[Errno 13\] Permission denied: '(?P<path>[^']+)'", ANY),
            told(r'exec:? "?(?P<path>[\w./-]+)"?: permission denied', ANY),
            told(r"fork/exec (?P<path>\S+): permission denied", ANY),
        ),
        otherwise={"path": "a program of the image"},
    ),
    Cause(
        "module-missing",
        'the Python module "{module}" is not in the image',
        "It is imported, and is in no requirement that was installed when the image was built.",
        'add the package of "{module}" to requirements.txt, then odyssey docker build, push, and '
        "deploy or train again",
        _SERVING,
        ROOT,
        (
            told(r"ModuleNotFoundError: No module named '(?P<module>[\w.]+)'"),
            told(r"ImportError: No module named '?(?P<module>[\w.]+)'?"),
        ),
    ),
    Cause(
        "library-missing",
        "a shared library of the system is not in the image: {library}",
        "A Python package needs it, and pip does not bring it along.",
        "install the system's package in the Dockerfile (RUN apt-get install ...), then build and "
        "push again",
        _SERVING,
        ROOT,
        (
            told(r"(?P<library>[\w.+-]+\.so[\w.]*): cannot open shared object file", ANY),
            told(r"version [`'](?P<library>GLIBC\w*_[\d.]+)' not found", ANY),
        ),
    ),
    Cause(
        "gpu-driver",
        "the container finds no GPU that it can use",
        "The machine brings the driver; an image with one of its own, or with a CUDA newer than "
        "the driver, does not work, and an instance type without a GPU has none.",
        "take a base image without a driver and of an older CUDA, or an instance type with a GPU "
        "(ml.g5, ml.p4)",
        _SERVING,
        ROOT,
        (
            told(
                r"CUDA driver version is insufficient|Found no NVIDIA driver on your system"
                r"|libcuda\.so\.1: cannot open|no CUDA-capable device is detected"
            ),
        ),
    ),
    Cause(
        "disk-full",
        "the disk is full",
        "An instance's volume, or a function's /tmp (512 MB unless it is set), holds the image's "
        "data, the model and all that is written.",
        "more room: volume_gb under [training] or [endpoint], storage_mb under [function]; or "
        "write less",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/host-instance-storage.html",
        ROOT,
        (told(r"(?i)No space left on device|ENOSPC|disk quota exceeded", ANY),),
    ),
)
"""The causes; where two are on one line, the earlier is the more exact."""
