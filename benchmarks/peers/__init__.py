"""All subjects, one package each, in the order in which a round visits them."""

from __future__ import annotations

from benchmarks.peers import (
    bare,
    bentoml,
    first_generation,
    litserve,
    mlflow,
    mlserver,
    multi_model_server,
    odyssey,
)
from benchmarks.subjects import Subject

SUBJECTS: dict[str, Subject] = {
    subject.name: subject
    for package in (
        bare,
        odyssey,
        first_generation,
        litserve,
        bentoml,
        mlserver,
        mlflow,
        multi_model_server,
    )
    for subject in package.SUBJECTS
}
"""Every subject by its name."""
