"""The whole set on Ray Data: a partition is a row of the dataset, an actor is a loaded model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import ray
import ray.data

from soloist_workloads.batch.model import digest_of_model, fetch_model, load_model
from soloist_workloads.batch.partitions import Partition, plan_partitions
from soloist_workloads.batch.place import Place
from soloist_workloads.batch.problem import BatchProblem
from soloist_workloads.batch.records import forget, records
from soloist_workloads.batch.scoring import Scored, Target, score_partition
from soloist_workloads.batch.settings import BatchSettings
from soloist_workloads.fetch import FetchError
from soloist_workloads.serving.problem import ModelProblem
from soloist_workloads.serving.scorer import Scorer

Say = Callable[[str], None]
Spread = Callable[[BatchSettings, list[Partition], Target], Iterator[dict[str, Any]]]
# Ray's datasets are tables; these are the columns.
PLACE, RESULT = "place", "result"


@dataclass(frozen=True, slots=True)
class Total:
    """How the set went."""

    rows: int
    refused: int
    partitions: int
    skipped: int


class ScorePartitions:
    """An actor: it loads the model once, and scores one partition after the other."""

    def __init__(
        self, settings: BatchSettings, partitions: list[Partition], target: Target
    ) -> None:
        self._partitions = partitions
        self._target = target
        self._scorer: Scorer | None = None
        self._problem = ""
        try:
            self._scorer = load_model(settings)
        except (FetchError, ModelProblem) as problem:
            self._problem = str(problem)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """What is wrong comes back as text: Ray would bury it below its own traces."""
        return {RESULT: [self._score(int(place)) for place in batch[PLACE]]}

    def _score(self, place: int) -> dict[str, Any]:
        partition = self._partitions[place]
        nothing = asdict(Scored(partition.name, 0, 0))
        if self._scorer is None:
            return {**nothing, "problem": self._problem}
        try:
            return {**asdict(score_partition(self._scorer, partition, self._target)), "problem": ""}
        except (BatchProblem, OSError) as problem:
            return {**nothing, "problem": f"{problem}"}


def run_batch(settings: BatchSettings, say: Say, spread: Spread) -> Total:
    """Score what isn't scored yet, and remove the results of what is no more. Raises BatchProblem."""
    place = Place(settings.storage)
    partitions = plan_partitions(place, settings.input)
    folder = fetch_model(settings)
    target = Target(
        place, settings.output, settings.endpoint, digest_of_model(folder, settings.image)
    )
    say(
        f"Scoring {len(partitions)} partitions of {settings.input} with {settings.model} v{settings.version}."
    )
    done: list[Scored] = []
    for told in spread(settings, partitions, target):
        scored = _hear(told)
        done.append(scored)
        say(_sentence(scored, len(done), len(partitions)))
    _forget_others(target, partitions, say)
    return _total(done)


def on_ray(
    settings: BatchSettings, partitions: list[Partition], target: Target
) -> Iterator[dict[str, Any]]:
    """One after the other as actors end them; a partition whose actor died is given to another."""
    ray.init(ignore_reinit_error=True, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    resources: Any = ray.cluster_resources  # ray ships types for some of its functions only
    actors = max(1, min(len(partitions), int(resources().get("CPU", 1))))
    count = len(partitions)
    rows = ray.data.from_items([{PLACE: n} for n in range(count)], override_num_blocks=count)
    scored = rows.map_batches(
        ScorePartitions,
        fn_constructor_args=(settings, partitions, target),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
        num_cpus=1,
    )
    for row in scored.iter_rows():
        yield dict(row[RESULT])


def _hear(told: dict[str, Any]) -> Scored:
    """What an actor said of a partition. Raises what is wrong with it."""
    problem = told.pop("problem")
    if problem:
        raise BatchProblem(problem)
    return Scored(**told)


def _sentence(scored: Scored, number: int, of: int) -> str:
    if scored.is_skipped:
        return f"{number}/{of} {scored.name}: done before ({scored.rows} rows, {scored.refused} refused)."
    reason = f" The first one: {scored.first_reason}" if scored.refused else ""
    return f"{number}/{of} {scored.name}: {scored.rows} rows, {scored.refused} refused.{reason}"


def _forget_others(target: Target, partitions: list[Partition], say: Say) -> None:
    """Results of files that were taken out of the input would be read as if they were part of it."""
    names = {partition.name for partition in partitions}
    for record in records(target.place, target.output):
        if record.endpoint == target.endpoint and record.name not in names:
            forget(target.place, target.output, record)
            say(f"Removed the results {record.name}: their part of the input is no more.")


def _total(done: list[Scored]) -> Total:
    """A set without one answer is no success, whatever the reasons are."""
    rows, refused = sum(one.rows for one in done), sum(one.refused for one in done)
    if refused and not rows:
        reason = next((one.first_reason for one in done if one.first_reason), "see their reasons")
        raise BatchProblem(f"All {refused} rows were refused. The first one: {reason}")
    return Total(rows, refused, len(done), sum(one.is_skipped for one in done))
