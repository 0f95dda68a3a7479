"""The model as a serving pod has it: fetched, trusted and loaded by the same code."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from soloist_workloads.batch.settings import BatchSettings
from soloist_workloads.environment import FetchSettings, TrackingSettings
from soloist_workloads.fetch import fetch
from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.scorer import Scorer
from soloist_workloads.serving.signature import read_card
from soloist_workloads.serving.trust import require_trust


def model_folder(settings: BatchSettings) -> Path:
    """On the machine's own disk: every process there shares it, none writes to it twice."""
    mark = hashlib.sha256(settings.artifact.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / "soloist-batch" / mark


def fetch_model(settings: BatchSettings) -> Path:
    folder = model_folder(settings)
    tracking = settings.tracking or TrackingSettings(uri="", run_id=None)
    fetch(FetchSettings(model_uri=settings.artifact, model_dir=folder, tracking=tracking))
    return folder


def load_model(settings: BatchSettings) -> Scorer:
    card = read_card(fetch_model(settings))
    require_trust(
        card,
        named=f"Model {settings.model} version {settings.version}",
        allow_pickle=settings.allow_pickle,
    )
    return load_scorer(card)


def digest_of_model(folder: Path, image: str) -> str:
    """Of every file and its name. The image counts, since another release of a library may round otherwise."""
    content = hashlib.sha256(image.encode())
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content.update(f"\n{file.relative_to(folder)}\n".encode())
        content.update(hashlib.sha256(file.read_bytes()).digest())
    return content.hexdigest()
