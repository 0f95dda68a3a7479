"""From a model folder to a ready server, with a line for each step."""

from __future__ import annotations

import logging
import time

from soloist_workloads.environment import ServingSettings
from soloist_workloads.serving.garbage import keep_what_is_loaded
from soloist_workloads.serving.loading import load_scorer
from soloist_workloads.serving.metrics import Metrics
from soloist_workloads.serving.openapi.document import write_document
from soloist_workloads.serving.pyfunc import WorkerScorer
from soloist_workloads.serving.scorer import Scorer
from soloist_workloads.serving.signature import ModelCard, read_card
from soloist_workloads.serving.state import State
from soloist_workloads.serving.trust import require_trust
from soloist_workloads.serving.validity import Watch
from soloist_workloads.serving.warmup import warm_up

LOG = logging.getLogger(__name__)


def _load(settings: ServingSettings, card: ModelCard, watch: Watch) -> Scorer:
    if settings.constant:
        # It reads tables, so it needs pandas: 70 MB and a quarter of a second that no other server of one row pays.
        from soloist_workloads.serving.constant import load_constant

        return load_constant(card, settings.constant)
    require_trust(
        card,
        named=f"Model {settings.name} version {settings.version}",
        allow_pickle=settings.allow_pickle,
    )
    return load_scorer(card, watch, optimize=settings.optimize)


def start_model(settings: ServingSettings, state: State, metrics: Metrics) -> None:
    """Load, predict once, and only then be ready."""
    started = time.perf_counter()
    card = read_card(settings.model_dir)
    watch = Watch(card.outputs)
    scorer = _load(settings, card, watch)
    loaded = time.perf_counter()
    warm_up(scorer, card)
    keep_what_is_loaded()
    metrics.tell_model(scorer.flavor, getattr(scorer, "optimized", ""))
    watch.tell = metrics.invalid_answers.inc
    state.document = write_document(card, name=settings.name, version=settings.version)
    state.become_ready(scorer)
    if isinstance(scorer, WorkerScorer):
        scorer.watch(state)
    LOG.info(
        "Serving %s version %s (%s): loaded in %.1f s, first prediction in %.2f s.",
        settings.name,
        settings.version,
        scorer.flavor,
        loaded - started,
        time.perf_counter() - loaded,
    )
