"""Hypothesis strategies: any valid spec of each kind, as users write it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from soloist.api.resources import KINDS, ResourceKind

Strategy = st.SearchStrategy[Any]
LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
TEXT = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30)
DURATION = st.from_regex(r"[1-9][0-9]{0,3}(ms|s|m|h|d)([0-9]{1,3}(s|m))?", fullmatch=True)
CPU = st.one_of(
    st.integers(1, 64),
    st.integers(10, 4000).map(lambda thousandths: f"{thousandths}m"),
    st.sampled_from(["0.5", "1.25", "16"]),
)
MEMORY = st.builds(
    lambda number, unit: f"{number}{unit}",
    st.integers(64, 999),
    st.sampled_from(["Mi", "Gi", "M", "G", "Ti"]),
).filter(lambda text: text not in {"64M", "65M", "66M", "67M"})
ENV_NAME = st.from_regex(r"[A-Z_][A-Z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: not name.startswith(("SOLOIST_", "MLFLOW_"))
)
SCALAR = st.one_of(
    TEXT, st.integers(-(2**31), 2**31), st.booleans(), st.floats(-1e6, 1e6, width=32)
)
MODEL = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9._ -]{0,30}", fullmatch=True)
NUMBER = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 7)}


def some(required: dict[str, Strategy], optional: dict[str, Strategy]) -> Strategy:
    """A mapping with all of the first and any of the second."""
    return st.fixed_dictionaries(required, optional=optional)


def cron_field(low: int, high: int) -> Strategy:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    item = st.one_of(number.map(str), span, st.just("*"), span.map(lambda text: f"{text}/2"))
    return st.lists(item, min_size=1, max_size=3).map(",".join)


SCHEDULE = st.one_of(
    st.sampled_from(["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly"]),
    st.tuples(*(cron_field(*bounds) for bounds in NUMBER.values())).map(" ".join),
)
SOURCE = st.one_of(
    some({"configMap": LABEL}, {}),
    some({"image": LABEL.map(lambda name: f"registry.example.com/{name}:1")}, {}),
    some(
        {
            "git": some(
                {"url": LABEL.map(lambda name: f"https://git.example.com/team/{name}.git")},
                {
                    "ref": LABEL,
                    "path": st.lists(LABEL, max_size=3).map("/".join),
                    "secretName": LABEL,
                },
            )
        },
        {},
    ),
)
BUCKET = some({"uri": LABEL.map(lambda name: f"s3://{name}/data"), "secretName": LABEL}, {})
LENT = [some({"claim": LABEL}, {}), some({"s3": BUCKET}, {}), some({}, {})]
STORAGE = st.one_of(*LENT, some({"size": MEMORY}, {}))
ENV = st.lists(
    st.one_of(
        some({"name": ENV_NAME, "value": TEXT}, {}),
        some({"name": ENV_NAME, "secret": some({"name": LABEL, "key": LABEL}, {})}, {}),
    ),
    max_size=3,
    unique_by=lambda variable: variable["name"],
)


@st.composite
def steps(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Steps whose `after` names what stands above."""
    names = draw(st.lists(LABEL, min_size=1, max_size=5, unique=True))
    made = []
    for index, name in enumerate(names):
        after = st.lists(st.sampled_from(names[:index]), unique=True) if index else st.just([])
        optional = {
            "after": after,
            "cpu": CPU,
            "memory": MEMORY,
            "retries": st.integers(0, 10),
            "timeout": DURATION,
            "params": st.dictionaries(ENV_NAME, SCALAR, max_size=3),
            "env": st.dictionaries(ENV_NAME, TEXT, max_size=3),
        }
        made.append(draw(some({"name": st.just(name), "command": LABEL}, optional)))
    return made


TEMPLATE = {
    "schedule": SCHEDULE,
    "concurrencyPolicy": st.sampled_from(["Forbid", "Replace", "Allow"]),
    "startingDeadline": DURATION,
    "history": some({}, {"succeeded": st.integers(1, 100), "failed": st.integers(1, 100)}),
    "runOnChange": st.booleans(),
    "suspend": st.booleans(),
}
RUNNING = {"runtime": LABEL, "env": ENV, "storage": STORAGE}
TRACKED = {"model": MODEL, "metric": TEXT, "owner": TEXT, "serviceAccount": LABEL}
# Baseline and the ladder that names it come together.
LADDER = st.one_of(
    st.sampled_from([{}, {"failover": []}, {"failover": ["previous"]}]),
    st.builds(
        lambda upper, baseline: {"failover": [*upper, "baseline"], "baseline": baseline},
        st.sampled_from([[], ["previous"]]),
        st.one_of(
            some({"constant": SCALAR}, {}),
            some({"loggedMetric": LABEL}, {}),
            some({"version": st.integers(1, 999).map(str)}, {}),
        ),
    ),
)
BATCH = {"input": LABEL.map("in/{}".format), "output": LABEL.map("out/{}".format)}
BATCH_OPTIONS = {"schedule": SCHEDULE, "cpu": CPU, "memory": MEMORY, "timeout": DURATION}
HOST = LABEL.map(lambda name: f"{name}.example.com")
NAMED = some({"secretName": LABEL}, {})
AUDIENCES = st.lists(LABEL, max_size=3, unique=True)
JWKS = st.sampled_from(["secretName", "configMapName"])
AUTH = st.one_of(
    some({"apiKeys": NAMED}, {}),
    st.builds(
        lambda where, audiences: {"jwt": {"issuer": "me", "audiences": audiences, where: "id"}},
        JWKS,
        AUDIENCES,
    ),
)
INGRESS = some(
    {"host": HOST},
    {
        "className": LABEL,
        "tlsSecretName": LABEL,
        "annotations": st.dictionaries(LABEL, TEXT, max_size=3),
    },
)
PARENT = some({"name": LABEL}, {"namespace": LABEL, "sectionName": LABEL})
ROUTE = some(
    {"hostnames": st.lists(HOST, min_size=1, max_size=3), "parentRef": PARENT},
    {"scheme": st.sampled_from(["https", "http"])},
)
EXPOSE = st.one_of(some({"ingress": INGRESS}, {}), some({"httpRoute": ROUTE}, {}))
GATEWAY = some({}, {"auth": AUTH, "tls": NAMED, "expose": EXPOSE})
SERVING = {
    "replicas": some(
        {},
        {
            "min": st.integers(0, 50),
            "max": st.integers(50, 100),
            "inFlight": st.integers(1, 128),
            "idleAfter": DURATION,
            "wakeTimeout": DURATION,
        },
    ),
    "gateway": GATEWAY,
    "cpu": CPU,
    "memory": MEMORY,
}


def with_ladder(required: dict[str, Strategy], optional: dict[str, Strategy]) -> Strategy:
    """A mapping as of `some`, and a ladder in it. What sleeps has no baseline."""

    def joined(pair: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
        spec, ladder = pair
        sleeps = spec.get("replicas", {}).get("min", 1) == 0
        return {**spec, **({} if sleeps and "baseline" in ladder else ladder)}

    return st.tuples(some(required, optional), LADDER).map(joined)


ANY_SPEC: dict[str, Strategy] = {
    "Project": some(
        {"source": SOURCE, "pipeline": some({"steps": steps()}, TEMPLATE)},
        {
            **RUNNING,
            "owner": TEXT,
            "goal": some({}, {"problem": TEXT, "metric": TEXT}),
            "endpoint": with_ladder({}, {**SERVING, "batch": some(BATCH, BATCH_OPTIONS)}),
        },
    ),
    "Pipeline": some({"source": SOURCE, "steps": steps()}, {**RUNNING, **TRACKED, **TEMPLATE}),
    "Run": some(
        {"source": SOURCE, "steps": steps()},
        {
            **RUNNING,
            **TRACKED,
            "storage": st.one_of(*LENT),
            "image": LABEL,
            "experiment": TEXT,
            "sourceDigest": LABEL,
            "trigger": some(
                {}, {"reason": st.sampled_from(["Source", "Schedule", "Manual"]), "id": TEXT}
            ),
        },
    ),
    "ModelEndpoint": with_ladder(
        {"model": MODEL},
        {
            **SERVING,
            "runtime": LABEL,
            "serviceAccount": LABEL,
            "batch": some({**BATCH, "storage": st.one_of(*LENT[:2])}, BATCH_OPTIONS),
        },
    ),
}


@st.composite
def any_manifest(draw: st.DrawFn) -> tuple[ResourceKind, dict[str, Any]]:
    """A kind and a valid object of it."""
    kind = draw(st.sampled_from(KINDS))
    name = draw(st.from_regex(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True))
    return kind, {
        "apiVersion": "soloist.dev/v1alpha1",
        "kind": kind.kind,
        "metadata": {"name": name},
        "spec": draw(ANY_SPEC[kind.kind]),
    }
