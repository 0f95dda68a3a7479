"""Any plan makes files that Envoy takes, and the same plan the same files."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from soloist.gateway.files import files, versions
from soloist.gateway.plan import Backend, GatewayPlan
from tests.support.envoy import complaint
from tests.support.gateway_plans import in_folder

names = st.from_regex(r"[a-z]([a-z0-9-]{0,40}[a-z0-9])?", fullmatch=True)
words = st.text(min_size=1, max_size=40)
amounts = st.integers(1, 2**31 - 1)


@st.composite
def plans(draw: st.DrawFn) -> GatewayPlan:
    numbers = draw(st.lists(st.integers(1, 10**6), min_size=4, max_size=4, unique=True))
    rungs = ("champion", "candidate", "previous", "baseline")
    champion, candidate, *lower = (
        Backend(str(number), f"{draw(names)}.svc", draw(st.integers(1, 65535)), rung)
        for number, rung in zip(numbers, rungs, strict=True)
    )
    has_candidate = draw(st.booleans())
    share = st.integers(0, 100) if has_candidate else st.just(0)
    return GatewayPlan(
        namespace=draw(names),
        name=draw(names),
        model=draw(words),
        champion=champion,
        fallbacks=tuple(lower[: draw(st.integers(0, 2))]),
        candidate=candidate if has_candidate else None,
        weight=draw(share),
        shadow_percent=draw(share),
        sticky_header=draw(st.none() | names),
        timeout_seconds=draw(st.floats(0.1, 3600)),
        max_body_bytes=draw(amounts),
        rate_limit=draw(st.none() | amounts),
        max_connections=draw(amounts),
        max_pending=draw(amounts),
        max_requests=draw(amounts),
        drain_seconds=draw(st.integers(0, 600)),
    )


# Each is one start of Envoy, a tenth of a second to a second.
@settings(max_examples=15)
@given(plans())
def test_envoy_takes_any_plan(plan: GatewayPlan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert complaint(files(in_folder(plan, Path(folder))), Path(folder)) is None


@given(plans())
def test_the_same_plan_is_the_same_text_and_fits_a_config_map(plan: GatewayPlan) -> None:
    written = files(plan)
    assert written == files(replace(plan))
    assert sum(map(len, written.values())) < 200_000, "a ConfigMap holds a megabyte"
    assert all(len(version) == 16 for version in versions(written).values())


@given(plans(), st.integers(0, 100))
def test_a_weight_changes_the_routes_only(plan: GatewayPlan, weight: int) -> None:
    """New routes cost nothing; a new listener would end every connection."""
    if plan.candidate is None or 0 in (weight, plan.weight):
        return  # whether it has any share decides whether its pods may be ejected
    before, after = versions(files(plan)), versions(files(replace(plan, weight=weight)))
    assert {name for name in before if before[name] != after[name]} <= {"rds.json"}


@given(plans())
def test_every_request_has_a_place_and_the_candidates_are_the_first(plan: GatewayPlan) -> None:
    (routes,) = json.loads(files(plan)["rds.json"])["resources"]
    split = routes["virtual_hosts"][0]["routes"][-1]["route"]["weighted_clusters"]["clusters"]
    assert [one["name"] for one in split] == ["candidate", "champion"]
    assert sum(one["weight"] for one in split) == 100
