"""A step that fails says why in one sentence, and corrected code heals the project."""

from __future__ import annotations

import pytest

from tests.e2e.eventually import eventually
from tests.e2e.manifests import code, project, step
from tests.e2e.room import Room, condition
from tests.e2e.world import World

pytestmark = pytest.mark.timeout(900)

# At once: the kernel is first to notice. Little by little, as data frames do: Ray's memory monitor is.
AT_ONCE = """
held = []
while True:
    held.append(bytes(range(256)) * 200_000)
    print(f"holding {len(held) * 51.2:.0f} MB", flush=True)
"""
LITTLE_BY_LITTLE = """
import time

held = []
while True:
    held.append(bytes(range(256)) * 10_000)
    print(f"holding {len(held) * 2.56:.0f} MB", flush=True)
    time.sleep(0.05)
"""


def test_a_failing_step_is_tried_again_and_then_told_in_one_sentence(
    world: World, room: Room
) -> None:
    # Given code that ends with 3
    room.apply(code("broken-a", go_sh="echo reading; echo no such column: fare >&2; exit 3"))

    # When it runs
    room.apply(project("broken", step("clean", "bash go.sh"), source={"configMap": "broken-a"}))
    status = room.until_run("broken-1", "Failed", within=180)

    # Then it was tried twice, and the sentence has step, run, code, attempt and the last line
    summary = status["summary"]
    for part in ("Step clean", "broken-1", "exit code 3", "attempt 2 of 2", "no such column: fare"):
        assert part in summary
    (clean,) = status["steps"]
    assert [failure["exitCode"] for failure in clean["failures"]] == [3, 3]
    assert "no such column: fare" in clean["log"]
    assert condition(status, "Stalled")["status"] == "True"
    told = room.until(
        "projects",
        "broken",
        lambda seen: seen.get("stage") == "Stalled",
        within=15,
        what="to stall",
    )
    assert told["summary"] == summary
    # and both attempts' logs are kept, in one MLflow run, which has failed
    run_id = status["mlflowRunId"]
    assert world.mlflow.artifacts(run_id, "logs") == ["logs/clean-1.log", "logs/clean-2.log"]
    assert world.mlflow.run(run_id)["info"]["status"] == "FAILED"
    # and the Ray cluster goes although the Run failed
    eventually(lambda: not room.all("rayclusters"), within=30, what="the Ray cluster to be gone")

    # When the code is corrected
    room.apply(code("broken-b", go_sh="echo fine"))
    room.patch("projects", "broken", '{"spec": {"source": {"configMap": "broken-b"}}}')

    # Then a new Run heals the project
    room.until_run("broken-2", "Succeeded", within=180)
    healed = room.until(
        "projects", "broken", lambda seen: seen.get("stage") == "Done", within=15, what="to heal"
    )
    assert condition(healed, "Stalled")["status"] == "False"


def test_a_step_that_runs_out_of_memory_is_told_its_limit_and_peak(
    world: World, room: Room
) -> None:
    # Given code that takes all memory there is, faster or slower
    room.apply(code("greedy-code", at_once_py=AT_ONCE, little_by_little_py=LITTLE_BY_LITTLE))
    source = {"configMap": "greedy-code"}

    # When it runs
    for name, script in (("greedy", "at_once.py"), ("hungry", "little_by_little.py")):
        train = step("train", f"python {script}", memory="1536Mi", retries=0)
        room.apply(project(name, train, source=source))

    ended = {name: room.until_run(name, "Failed", within=180) for name in ("greedy-1", "hungry-1")}

    # Then the sentence has limit, peak and remedy, and the step's own last words are kept
    for name, status in ended.items():
        for part in (
            "Step train",
            name,
            "ran out of memory",
            "limit 1.5Gi",
            "peak 1.",
            "attempt 1 of 1",
            "Raise",
            ".memory",
        ):
            assert part in status["summary"]
        (train,) = status["steps"]
        assert [failure["reason"] for failure in train["failures"]] == ["OutOfMemory"]
        assert train["log"].splitlines()[-1].startswith("holding ")
    # and MLflow has the log of the one that had a moment to send it
    run_id = ended["hungry-1"]["mlflowRunId"]
    assert "logs/train-1.log" in world.mlflow.artifacts(run_id, "logs")
