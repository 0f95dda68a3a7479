"""What a step leaves on the run's volume when it succeeded, so that it is never done twice.

Between the end of a command and the moment at which Kubernetes knows of it, the head's pod may be lost. KubeRay then
submits the job again. The runner finds here that its step has ended, repeats what it said, and runs nothing.

The MLflow run tells whose end it was: a Run that was deleted and made again has the same name and folder, but another
MLflow run. Remote storage (`s3://…`) has no such place; there an interrupted step is repeated.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from soloist_workloads.environment import StepSettings
from soloist_workloads.storage import local_folder

FOLDER = ".soloist-ended"


@dataclass(frozen=True, slots=True)
class EndedSteps:
    """The ends of one Run's steps, each with what the step said."""

    folder: Path
    run_id: str
    step: str

    def said(self) -> bytes | None:
        """What the step said when it succeeded; None when it did not yet."""
        try:
            return self._log.read_bytes() if self._mark.read_text() == self.run_id else None
        except FileNotFoundError:
            return None

    def keep(self, said: bytes) -> None:
        """Write down that the step succeeded: the log before the mark, and the mark in one piece."""
        self.folder.mkdir(exist_ok=True)
        self._log.write_bytes(said)
        draft = self._mark.with_suffix(".draft")
        draft.write_text(self.run_id)
        os.replace(draft, self._mark)  # noqa: PTH105 - says better than Path.rename that it overwrites

    @property
    def _mark(self) -> Path:
        return self.folder / self.step

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.step}.log"


def ended_steps(settings: StepSettings) -> EndedSteps | None:
    """None where there is no volume, or no MLflow run to tell Runs apart by."""
    folder = local_folder(settings.run_storage)
    run_id = settings.tracking.run_id if settings.tracking is not None else None
    if folder is None or not run_id:
        return None
    return EndedSteps(folder / FOLDER, run_id, settings.step)
