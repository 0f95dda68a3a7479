"""Whatever is wanted and whatever there is: carry the plan out, and nothing is left to do."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from soloist.control.execute import execute
from soloist.core.backoff import LONGEST, delay
from soloist.core.objects import CONFIG_MAP, Manifest, owner_labels, owner_reference, shorten
from soloist.core.plan import covers, diff
from tests.support.fake_ports import World

UID = "owner-uid"
names = st.sampled_from(["a", "b", "c", "d"])
words = st.text("xyz", min_size=1, max_size=2)
leaves = words | st.integers(0, 3) | st.booleans()
trees = st.recursive(
    leaves,
    lambda below: (
        st.dictionaries(words, below, max_size=3) | st.lists(below, min_size=1, max_size=3)
    ),
    max_leaves=4,
)
contents = st.dictionaries(words, trees, max_size=3)
worlds = st.dictionaries(names, contents, max_size=4)


def child(name: str, content: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": "here",
            "labels": owner_labels("Toy", "bear", UID),
            "ownerReferences": [owner_reference("v1", "Toy", "bear", UID)],
        },
        "data": content,
    }


async def carry_out(world: World, wanted: dict[str, dict[str, Any]]) -> int:
    """One round; how many actions it took."""
    live = await world.cluster.list(CONFIG_MAP, "here", {})
    manifests = [(CONFIG_MAP, child(name, content)) for name, content in wanted.items()]
    actions = diff(manifests, [(CONFIG_MAP, body) for body in live], UID)
    await execute(actions, (), UID, world.ports)
    return len(actions)


@given(worlds, worlds)
def test_after_the_plan_there_is_no_plan(
    first: dict[str, dict[str, Any]], second: dict[str, dict[str, Any]]
) -> None:
    async def main() -> None:
        world = World()
        for wanted in (first, second):
            await carry_out(world, wanted)
            assert await carry_out(world, wanted) == 0
            data = {ref.name: body["data"] for ref, body in world.cluster.objects.items()}
            assert data == wanted

    asyncio.run(main())


@given(worlds, worlds, st.randoms(use_true_random=False))
def test_whatever_others_do_in_between_the_plan_restores(
    wanted: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]], chance: random.Random
) -> None:
    async def main() -> None:
        world = World()
        await carry_out(world, wanted)
        for ref in list(world.cluster.objects):
            if chance.random() < 0.5:
                world.cluster.remove(ref)
            elif ref.name in other:
                world.cluster.edit(ref, data={**other[ref.name]})
        await carry_out(world, wanted)
        live = {ref.name: body["data"] for ref, body in world.cluster.objects.items()}
        assert all(covers(live[name], content) for name, content in wanted.items())

    asyncio.run(main())


@given(trees)
def test_everything_covers_itself(tree: Any) -> None:
    assert covers(tree, tree)


@given(contents, words, leaves)
def test_more_is_no_difference(content: dict[str, Any], key: str, value: Any) -> None:
    assert covers({**content, f"other-{key}": value}, content)


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_never_nothing_and_never_more_than_the_longest(
    failures: int, chance: float
) -> None:
    assert 0 < delay(failures, chance).total_seconds() <= LONGEST.total_seconds()


@settings(max_examples=300)
@given(st.text("abc-", min_size=1, max_size=90), st.text("abc-", min_size=1, max_size=90))
def test_names_fit_and_stay_different(one: str, other: str) -> None:
    short, second = shorten(one, 47), shorten(other, 47)
    assert len(short) <= 47
    assert (short == second) == (one == other)
