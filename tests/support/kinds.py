"""Objects and facts of our kinds, with everything filled in that a test does not speak of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from soloist.api.parse import Invalid, Resource, parse
from soloist.api.platform import Platform
from soloist.core.kind import Kind
from soloist.kinds import modelendpoint, pipeline, run
from soloist.kinds.modelendpoint.facts import EndpointFacts
from soloist.kinds.pipeline.facts import Code, PipelineFacts, RunView
from soloist.kinds.run.facts import RunFacts

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
PLATFORM = Platform.model_validate({"runtimes": {"default": {"image": "example/runtime:1"}}})
STEPS = [{"name": "train", "command": "python train.py"}]


def resource(kind: Kind[Any], spec: Any, status: Any = None, **meta: Any) -> Resource[Any, Any]:
    """A live object of the kind."""
    given = {"name": "flights", "namespace": "demo", "uid": "uid-1", "generation": 1}
    body = {"kind": kind.ref.kind, "metadata": {**given, **meta}, "spec": spec}
    found = parse({**body, "status": status or {}}, kind.resource.spec, kind.resource.status)
    assert not isinstance(found, Invalid), found.message
    return found


def a_run(steps: Any = None, status: Any = None, **spec: Any) -> Resource[Any, Any]:
    whole = {"source": {"image": "code:1"}, "steps": steps or STEPS, **spec}
    return resource(run.KIND, whole, status, name="flights-1")


def run_facts(**known: Any) -> RunFacts:
    given: dict[str, Any] = {
        "now": NOW,
        "cluster": {"metadata": {"name": "flights-1"}},
        "cluster_ready": True,
        "jobs": {},
        "pods": (),
        "code_problem": None,
        "keep_runs": "",
        "tracked": None,
    }
    return RunFacts(**{**given, **known})


def a_pipeline(status: Any = None, meta: Any = None, **spec: Any) -> Resource[Any, Any]:
    whole = {"source": {"image": "code:1"}, "steps": STEPS, **spec}
    return resource(pipeline.KIND, whole, status, **(meta or {}))


def a_view(number: int, phase: str = "Succeeded", **known: Any) -> RunView:
    given: dict[str, Any] = {
        "name": f"flights-{number}",
        "number": number,
        "phase": phase,
        "summary": "",
        "trigger": "",
        "answers": "",
        "created": NOW,
        "is_deleted": False,
        "model": None,
        "manifest": {"metadata": {"name": f"flights-{number}", "namespace": "demo"}, "spec": {}},
    }
    return RunView(**{**given, **known})


def pipeline_facts(*runs: RunView, code: str | None = "A", **known: Any) -> PipelineFacts:
    found = Code(code) if code is not None else None
    given = {"now": NOW, "runs": runs, "code": found, "problem": None, "claim": None, "request": ""}
    return PipelineFacts(**{**given, **known})


def an_endpoint(status: Any = None, **spec: Any) -> Resource[Any, Any]:
    return resource(modelendpoint.KIND, {"model": "m", **spec}, status)


def endpoint_facts(**known: Any) -> EndpointFacts:
    given = {
        "now": NOW,
        "model": None,
        "registry_problem": None,
        "deployments": {},
        "pods": {},
        "claim": None,
    }
    return EndpointFacts(**{**given, **known})
