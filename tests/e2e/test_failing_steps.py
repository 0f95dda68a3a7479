"""A step that fails says why in one sentence, and corrected code heals the project."""

from __future__ import annotations

import pytest

from tests.e2e.eventually import eventually
from tests.e2e.manifests import code, project, step
from tests.e2e.room import Room, condition
from tests.e2e.world import World

pytestmark = pytest.mark.timeout(900)

GREEDY = """
held = []
while True:
    held.append(bytes(range(256)) * 200_000)
    print(f"holding {len(held) * 51.2:.0f} MB", flush=True)
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
    # Given code that takes all memory there is
    room.apply(code("greedy-code", greedy_py=GREEDY))

    # When it runs
    room.apply(project("greedy", step("train", "python greedy.py", memory="1536Mi", retries=0)))
    status = room.until_run("greedy-1", "Failed", within=180)

    # Then the sentence has limit, peak and remedy
    summary = status["summary"]
    for part in (
        "Step train",
        "greedy-1",
        "ran out of memory",
        "limit 1.5Gi",
        "peak 1.",
        "Raise",
        ".memory",
    ):
        assert part in summary
    assert status["steps"][0]["failures"][-1]["reason"] == "OutOfMemory"
