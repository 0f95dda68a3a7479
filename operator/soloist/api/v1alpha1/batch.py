"""Batch scoring: a set of files, scored by the version that an endpoint serves."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from soloist.api.fields import Cpu, Duration, Memory, Model, ObjectName, Time
from soloist.api.forms import Form, Rule
from soloist.api.v1alpha1.parts import S3Storage
from soloist.api.v1alpha1.pipeline import Schedule, TimeZone
from soloist.api.v1alpha1.run import Phase

_PART = r"([^./\s][^/\r\n]*|\.[^./\s][^/\r\n]*)"
StoragePath = Annotated[
    str,
    Field(min_length=1, max_length=512),
    Form(
        "a path in the storage: write folders and a name, such as flights/new, without '/' at either end and without"
        " '..'",
        (rf"^{_PART}(/{_PART})*$",),
    ),
]


class Files(Model):
    """Where the files of a batch lie."""

    rules: ClassVar = (
        Rule(
            "!has(self.claim) || !has(self.s3)",
            "storage takes one of claim or s3: keep one and remove the other",
        ),
    )

    claim: ObjectName | None = None
    """Name of an existing PersistentVolumeClaim."""
    s3: S3Storage | None = None
    """A bucket."""


class Batch(Model):
    """A set of files to score."""

    rules: ClassVar = (
        Rule(
            "self.input != self.output && !self.output.startsWith(self.input + '/')"
            " && !self.input.startsWith(self.output + '/')",
            "output lies in input, or input in output, so that results would be scored as if they were rows: name two"
            " folders beside each other",
            field=".output",
        ),
        Rule(
            "self.output != 'runs' && !self.output.startsWith('runs/')",
            "the folder runs belongs to the Runs, and what is in it goes with them: name another folder in output",
            field=".output",
        ),
        Rule(
            "!has(self.timeZone) || has(self.schedule)",
            "timeZone says where the schedule's clock hangs: set schedule too, or remove timeZone",
            field=".timeZone",
        ),
    )

    input: StoragePath
    """Folder in the storage (or one file) that holds the rows to score. Every file that ends with `.parquet` or `.csv` is read,
    those in folders below, too."""
    output: StoragePath
    """Folder in the storage for the results: a file for each part of the input, with the same rows and a column `prediction`.
    Rows that the model can't take lie in `_refused` in it, each with its reason."""
    storage: Files = Field(default_factory=Files)
    """Where both lie: a claim or a bucket. In a Project it is the project's storage unless you name another one."""
    schedule: Schedule | None = None
    """When to score, as a cron expression: minute, hour, day of month, month, day of week. Without it the set is scored once
    by each version that is served, and again when this part of the spec changes."""
    time_zone: TimeZone | None = None
    """Time zone of the schedule, for example `Europe/Berlin`. Without it the schedule is in UTC."""
    cpu: Cpu = "1"
    """CPU cores. Each core scores with a copy of the model of its own."""
    memory: Memory = "2Gi"
    """Memory for the scoring. Ray itself needs about 1Gi of it."""
    timeout: Duration = "12h"
    """Longest time that one attempt may take, for example `30m`. What was scored until then stays scored."""


class BatchStatus(Model):
    """How the newest scoring of the set went."""

    pipeline: str = Field(max_length=64)
    """The Pipeline that does it."""
    run: str | None = Field(default=None, max_length=64)
    """Its newest Run: `kubectl get run <name>`."""
    phase: Phase | None = None
    """Pending, Running, Succeeded or Failed."""
    version: str | None = Field(default=None, max_length=32)
    """The version that this Run scores with."""
    output: str | None = Field(default=None, max_length=512)
    """Folder in the storage that it writes to."""
    rows: int | None = None
    """Rows that have a prediction."""
    refused: int | None = None
    """Rows that the model couldn't take; they lie in `_refused` in the output folder."""
    end_time: Time | None = None
    """When it ended."""
    next_time: Time | None = None
    """When the schedule starts the next one."""
