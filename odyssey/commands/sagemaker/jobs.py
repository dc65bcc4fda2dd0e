"""``odyssey sagemaker train``, ``upload`` and ``batch-transform``: what runs once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from odyssey import console, options
from odyssey.commands.sagemaker import shared
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from odyssey.commands.sagemaker.shared import Here


@click.command(
    epilog=options.examples(
        "odyssey sagemaker train",
        "odyssey sagemaker train -i s3://data/iris/ --hyperparameters C=0.5 --spot",
        "odyssey sagemaker -in ml.c5.xlarge -c 2 train -i ./data --dry-run",
    )
)
@click.option(
    "-i",
    "--input",
    "source",
    metavar="INPUT",
    help="The training data: an s3:// URI of an object or a prefix, or a file or folder, which is "
    "uploaded first.  [default: input/data/training, without --channel]",
)
@click.option(
    "-m",
    "--model-prefix",
    "target",
    metavar="URI",
    help="Where in S3 the model goes: PREFIX/JOB/output/model.tar.gz.  "
    "[default: model/ in the app's bucket]",
)
@click.option(
    "--hyperparameters",
    "words",
    multiple=True,
    metavar="K=V|@FILE",
    help="What train() gets: a value, or a file of JSON; give it again for more.  "
    "[default: input/config/hyperparameters.json]",
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="NAME=URI",
    help="More data, in input/data/NAME of the container; give it again for more.  [default: none]",
)
@click.option(
    "--content-type", metavar="TYPE", help="The type of the data.  [default: not told to train()]"
)
@options.setting("training.spot")
@options.setting("training.max_runtime")
@options.setting("training.max_wait")
@options.setting("training.volume_gb")
@options.setting("training.input_mode")
@shared.job_name
@shared.wait
@options.dry_run
@shared.here("role", "name", "count", "type")
@options.talk
def train(
    here: Here,
    source: str | None,
    target: str | None,
    words: tuple[str, ...],
    channels: tuple[str, ...],
    content_type: str | None,
    job_name: str | None,
    wait: bool,
    dry_run: bool,
    **flags: object,
) -> None:
    """Train the model in a training job; it lands in S3.

    Shows the job's states and its log until it is over, and records the model. Ctrl-C stops
    watching; the job goes on.
    """
    from odyssey import hyperparameters
    from odyssey.jobs import training
    from odyssey.jobs.training_plan import Wanted

    own = {f"training.{name}": value for name, value in flags.items()}
    settings = here.settings("training", own)
    wanted = Wanted(
        source=source or "",
        output=target or "",
        channels=_channels(channels),
        hyperparameters=hyperparameters.parse(words),
        content_type=content_type or "",
        role=here.role or "",
        name=here.name or "",
        job_name=job_name or "",
        again=here.again(settings),
    )
    done = training.train(settings, here.access(settings), wanted, dry_run=dry_run, wait=wait)
    console.result(done.document(), done.text())


@click.command(
    epilog=options.examples(
        "odyssey sagemaker upload model/",
        "odyssey sagemaker upload model.pkl vocabulary.json -m s3://models/iris",
    )
)
@click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
@click.option(
    "-m",
    "--model-prefix",
    "prefix",
    metavar="URI",
    help="Where in S3 the model goes: PREFIX/DIGEST/model.tar.gz.  "
    "[default: model/ in the app's bucket]",
)
@options.dry_run
@shared.here()
@options.talk
def upload(here: Here, paths: tuple[Path, ...], prefix: str | None, dry_run: bool) -> None:
    """Pack model files, load them with the app's get_model, upload and record them.

    A model that was made elsewhere, such as in a notebook, is then served like a trained one. Of
    a folder its content is packed.
    """
    from odyssey import uploads

    settings = here.settings()
    done = uploads.upload_model(settings, here.access(settings), paths, prefix, dry_run=dry_run)
    console.result(done.document(), done.text())


@click.command(
    "batch-transform",
    epilog=options.examples(
        "odyssey sagemaker batch-transform -i s3://data/iris.csv",
        "odyssey sagemaker batch-transform -i ./records -o s3://data/answers/ --join input",
    ),
)
@click.option(
    "-i",
    "--input",
    "source",
    metavar="INPUT",
    required=True,
    help="The records: an s3:// URI of an object or a prefix, or a file or folder, which is "
    "uploaded first.  [default: none, give it]",
)
@click.option(
    "-o",
    "--output-prefix",
    "target",
    metavar="URI",
    help="Where in S3 the answers go.  [default: output/JOB/ in the app's bucket]",
)
@options.setting("artifacts.model", "-m")
@options.setting("transform.split_type")
@options.setting("transform.strategy")
@options.setting("transform.content_type")
@options.setting("transform.accept")
@options.setting("transform.assemble_with")
@options.setting("transform.max_payload")
@options.setting("transform.max_concurrent")
@options.setting("transform.join")
@options.setting("transform.input_filter")
@options.setting("transform.output_filter")
@shared.job_name
@shared.wait
@options.dry_run
@shared.here("role", "name", "count", "type")
@options.talk
def batch_transform(
    here: Here,
    source: str,
    target: str | None,
    model: str | None,
    job_name: str | None,
    wait: bool,
    dry_run: bool,
    **flags: object,
) -> None:
    """Run the model over many records in S3, without an endpoint.

    The model is registered for this job alone, and removed whatever happens. Ctrl-C stops
    watching; the job goes on.
    """
    from odyssey.jobs import transform

    own = {f"transform.{name}": value for name, value in flags.items()}
    settings = here.settings("transform", {**own, "artifacts.model": model})
    wanted = transform.TransformRequest(
        source=source,
        output=target or "",
        role=here.role or "",
        name=here.name or "",
        job_name=job_name or "",
        again=here.again(settings),
    )
    done = transform.batch(settings, here.access(settings), wanted, dry_run=dry_run, wait=wait)
    console.result(done.document(), done.text())


def _channels(words: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, separator, place = word.partition("=")
        if not separator or not name or not place:
            raise UsageError(
                f'--channel "{console.clean(word)}" is not NAME=URI',
                "--channel validation=s3://BUCKET/PREFIX",
            )
        if name in found:
            raise UsageError(
                f"--channel {console.clean(name)} is there twice: {console.clean(found[name])} and "
                f"{console.clean(place)}; a channel has one place",
                "name the prefix that both are below, or give each a name of its own",
            )
        found[name] = place
    return found
