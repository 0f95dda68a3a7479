"""The lowest rung of the failover ladder: what is answered when no model can."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from soloist.api.fields import Model, Scalar
from soloist.api.forms import Form, Rule

VersionNumber = Annotated[
    str,
    Field(max_length=32),
    Form(
        "a version: write its number in MLflow's registry in quotes, such as '3'",
        (r"^[1-9][0-9]*$",),
    ),
]

# No type of a schema holds every scalar, and CEL knows no field without a type: only through `dyn` does it see this one.
_CHOSEN = "[has(dyn(self).constant), has(self.loggedMetric), has(self.version)]"


class Baseline(Model):
    """What answers when neither the champion nor the version before does: exactly one of the three."""

    rules: ClassVar = (
        Rule(
            f"{_CHOSEN}.exists_one(x, x)",
            "baseline needs exactly one of constant, loggedMetric or version: keep one and remove the others",
        ),
    )

    constant: Scalar | None = None
    """The answer to every row: a number, a text or true/false, of the type that the model answers with."""
    logged_metric: str | None = Field(default=None, min_length=1, max_length=250)
    """Metric whose value is the answer to every row, for example `training_median`. The code that trained the model logged it in
    MLflow, in the same run. It is read once for each champion and kept in status."""
    version: VersionNumber | None = None
    """A version of the same model that is simple and known to work. It is kept running on one pod."""


class PinnedBaseline(Model):
    """The answer of the baseline where it is not a model, as it was read once: answering needs no MLflow after that."""

    value: Scalar
    """The answer to every row."""
    logged_metric: str | None = Field(default=None, max_length=250)
    """The metric that it was read from."""
    version: str | None = Field(default=None, max_length=32)
    """The version whose run logged the metric."""
    run_id: str | None = Field(default=None, max_length=64)
    """That run in MLflow."""
