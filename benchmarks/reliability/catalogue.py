"""All experiments, in the order of the page."""

from __future__ import annotations

from benchmarks.reliability import (
    containers,
    disks,
    holding,
    inputs_code,
    inputs_requests,
    inputs_settings,
    kills_aws,
    kills_local,
    networks,
    refusals,
    sandboxes,
    workers,
)
from benchmarks.reliability.experiment import Experiment

EXPERIMENTS: list[Experiment] = [
    *holding.EXPERIMENTS,
    *workers.EXPERIMENTS,
    *containers.EXPERIMENTS,
    *sandboxes.EXPERIMENTS,
    *refusals.EXPERIMENTS,
    *networks.EXPERIMENTS,
    *disks.EXPERIMENTS,
    *kills_local.EXPERIMENTS,
    *containers.KILLS,
    *kills_aws.EXPERIMENTS,
    *inputs_settings.EXPERIMENTS,
    *inputs_code.EXPERIMENTS,
    *inputs_requests.EXPERIMENTS,
]
