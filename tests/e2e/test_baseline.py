"""No version answers any more, whatever the operator repairs: the lowest rung does, and nobody is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.eventually import eventually
from tests.e2e.load import start_load
from tests.e2e.manifests import endpoint
from tests.e2e.patients import MEASURED, PATIENT
from tests.e2e.room import Room
from tests.e2e.world import World

pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

NAME = "emergency"
# For a patient of whom not everything was measured the model ends its own process, in every version and after every restart.
DEADLY: dict[str, Any] = {
    "dataframe_split": {"columns": list(MEASURED), "data": [[None, *[0.01] * 9]]}
}
# Half of the patients whose progression was measured are below it.
MEDIAN = 140.5
LADDER = {"failover": ["previous", "baseline"], "baseline": {"loggedMetric": "training_median"}}


def model(room: Room) -> str:
    return f"{room.namespace}.{NAME}"


@pytest.fixture(scope="module")
def emergency(world: World, shared_room: Room) -> Room:
    """Version 2 is served, 1 is kept behind it, and the median of the training data behind both."""
    assert world.mlflow.log_models(model(shared_room), "exits", "exits") == ["1", "2"]
    shared_room.apply(endpoint(NAME, model(shared_room), allowPickle=True, **LADDER))
    for version in ("1", "2"):
        world.mlflow.set_alias(model(shared_room), "candidate", version)
        shared_room.until_served(NAME, version, within=120)
    world.mlflow.until_aliases(model(shared_room), {"champion": "2", "previous": "1"})
    shared_room.until_version_answers(NAME, PATIENT, "2", within=30)
    return shared_room


def is_ready(room: Room, deployment: str) -> bool:
    found = room.get("deployments", deployment) or {"metadata": {}, "status": {}}
    status = found.get("status") or {}
    is_seen = status.get("observedGeneration") == found["metadata"].get("generation")
    return bool(is_seen and status.get("readyReplicas") == status.get("updatedReplicas") == 1)


def test_the_median_is_read_from_the_champions_run(emergency: Room) -> None:
    status = emergency.until(
        "modelendpoints", NAME, lambda seen: (seen.get("baseline") or {}).get("version") == "2",
        within=30, what="to know v2's median",
    )  # fmt: skip
    assert status["baseline"]["value"] == MEDIAN
    assert status["baseline"]["loggedMetric"] == "training_median"
    eventually(lambda: is_ready(emergency, f"{NAME}-baseline"), within=60, what="the baseline")


def test_when_no_version_survives_the_median_answers_and_no_request_fails(
    world: World, emergency: Room, report: list[str]
) -> None:
    eventually(lambda: is_ready(emergency, f"{NAME}-baseline"), within=60, what="the baseline")
    under_load = start_load(
        emergency, NAME, PATIENT, image=world.runtime_image, at_most=60, per_second=50
    )

    # When someone sends what kills every version, again whenever a pod is back
    def is_lost() -> bool:
        answer = emergency.predict(NAME, DEADLY)
        assert answer.status_code == 200, answer.text
        if answer.headers["x-soloist-rung"] == "baseline":
            assert answer.headers["x-soloist-version"] == "constant"
            assert answer.json() == {"predictions": [MEDIAN]}
        return emergency.status("modelendpoints", NAME).get("rung") == "baseline"

    eventually(is_lost, within=60, what="the baseline to answer")

    # Then status says who answers, what, and since when
    status = emergency.status("modelendpoints", NAME)
    assert (
        "Failed over to the baseline, which answers 140.5 (training_median of v2)"
        in (status["summary"])
    )
    line = emergency.kubectl("get", "modelendpoints", NAME, "-n", emergency.namespace)
    assert "baseline" in line.splitlines()[1].split()

    # and when nobody does any more, the champion comes back by itself
    emergency.until(
        "modelendpoints", NAME, lambda seen: seen.get("rung") == "champion",
        within=300, what="to be back on its champion",
    )  # fmt: skip
    outcome = under_load.outcome(within=180)
    report.append(f"endpoint: load while every pod of two versions crashed: {outcome}")
    assert outcome.failed == 0, outcome.failures
    assert "constant" in outcome.versions
