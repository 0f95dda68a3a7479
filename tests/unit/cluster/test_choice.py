"""Which cluster is meant."""

from __future__ import annotations

import pytest

from tests.cluster.choice import choose
from tests.cluster.trouble import Trouble


@pytest.mark.parametrize(
    ("environment", "has_kind", "engine", "chosen"),
    [
        pytest.param({}, False, "docker", "local", id="an engine without kind changes nothing"),
        pytest.param({}, True, None, "local", id="kind without a running engine can't serve"),
        pytest.param({}, True, "podman", "kind", id="kind and an engine serve"),
        pytest.param({"SOLOIST_CLUSTER": "local"}, True, "docker", "local", id="local by wish"),
        pytest.param({"CONTEXT": "staging"}, True, "docker", "named", id="a named context wins"),
    ],
)
def test_the_cluster_is_chosen_by_wish_then_by_what_is_there(
    environment: dict[str, str], has_kind: bool, engine: str | None, chosen: str
) -> None:
    assert choose(environment, lambda: has_kind, lambda: engine).name == chosen


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        pytest.param("minikube", "SOLOIST_CLUSTER is local or kind, not minikube", id="unknown"),
        pytest.param(
            "kind", "needs the program kind and a running docker or podman", id="kind, absent"
        ),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_in_words(wanted: str, sentence: str) -> None:
    with pytest.raises(Trouble, match=sentence):
        choose({"SOLOIST_CLUSTER": wanted}, lambda: False, lambda: None)


def test_a_context_without_a_registry_says_what_to_name() -> None:
    cluster = choose({"CONTEXT": "staging"}, lambda: False, lambda: None)
    with pytest.raises(Trouble, match="REGISTRY=host/path"):
        cluster.publish(["operator"])
