"""What can be scaled: moto's list of it is an old one."""

from __future__ import annotations

from enum import Enum


def know_all() -> None:
    """Have moto take every scalable dimension of AWS's model, such as serverless endpoints'."""
    from moto.applicationautoscaling import models, responses
    from moto.core.utils import get_service_model

    known = get_service_model("application-autoscaling").shape_for("ScalableDimension").enum
    dimensions = Enum("ScalableDimensionValueSet", {name: name for name in known})  # type: ignore[misc]
    for module in (models, responses):
        vars(module)["ScalableDimensionValueSet"] = dimensions
