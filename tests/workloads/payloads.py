"""Requests to `/invocations`, each with the model it goes to: what people send, and what goes wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

JSON, CSV = "application/json", "text/csv"


@dataclass(frozen=True, slots=True)
class Payload:
    """One request; the id is its story."""

    id: str
    model: str
    body: bytes
    content_type: str | None = JSON
    method: str = "POST"


PLAIN_ROW: dict[str, Any] = {
    "flag": True,
    "small": 7,
    "count": 2**40,
    "ratio": 0.1,
    "score": 0.1,
    "name": "ada",
}
ROW = {**PLAIN_ROW, "time": "2013-01-31T17:45:00", "blob": "aGVsbG8="}


def _split(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    names = list(rows[0])
    return {
        "dataframe_split": {
            "columns": names,
            "data": [[r[n] for n in names] for r in rows],
            **more,
        }
    }


def _forms(rows: list[dict[str, Any]]) -> dict[str, Any]:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return {
        "split": _split(rows),
        "records": {"dataframe_records": rows},
        "instances": {"instances": rows},
        "inputs-columns": {"inputs": columns},
        "inputs-rows": {"inputs": rows},
    }


def _in_every_form(story: str, model: str, rows: list[dict[str, Any]]) -> list[Payload]:
    return [
        Payload(f"{story}-{form}", model, json.dumps(body).encode())
        for form, body in _forms(rows).items()
    ]


def _with(**changes: Any) -> dict[str, Any]:
    return {**PLAIN_ROW, **changes}


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in PLAIN_ROW.items() if key != name}


def _one(story: str, model: str, body: Any, content_type: str = JSON) -> Payload:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Payload(story, model, raw, content_type)


# One value in place of a good one: what each type accepts, converts or refuses.
VALUES: dict[str, tuple[Any, ...]] = {
    "flag": (False, 1, 0.0, "true", "", None),
    "small": (-1, 2**31, 1.0, 1.7, "5", "x", None, True),
    "count": (-1, 2**63, 1.0, 1.7, "5", "x", None, True),
    "ratio": (1, 2**53 + 1, 1e300, "1.5", "x", None, True),
    "score": (1, 2**60 + 1, 2**70, 1e-320, "1.5", "x", None, True),
    "name": ("", "żółw", 5, 1.5, True, None, ["a"], {"a": 1}),
}
ALL_VALUES: dict[str, tuple[Any, ...]] = {
    "time": ("2013-01-31", "31/01/2013", "2013-01-31T17:45:00Z", "soon", 0, None),
    "blob": ("", "aGk", "not base64!", 5, None),
}

PAYLOADS: list[Payload] = [
    *_in_every_form("one-row", "plain", [PLAIN_ROW]),
    *_in_every_form("three-rows", "plain", [PLAIN_ROW, _with(name="b", score=-1.0), PLAIN_ROW]),
    *_in_every_form("every-type", "all", [ROW, {**ROW, "time": "2014-02-01"}]),
    *_in_every_form("other-order", "plain", [dict(reversed(PLAIN_ROW.items()))]),
    *_in_every_form("extra-column", "plain", [_with(note="x"), _with(note="y")]),
    *_in_every_form("missing-column", "plain", [_without("score")]),
    *_in_every_form("missing-value", "plain", [_with(score=None), PLAIN_ROW]),
    *_in_every_form("missing-text", "plain", [_with(name=None), PLAIN_ROW]),
    *_in_every_form("mixed-numbers", "plain", [_with(score=1), _with(score=1.5)]),
    *_in_every_form("optional-given", "optional", [{"score": 1.5, "name": "a", "count": 3}]),
    *_in_every_form("optional-left-out", "optional", [{"score": 1.5}]),
    *_in_every_form("optional-null", "optional", [{"score": 1.5, "name": None}]),
    *_in_every_form("numbers", "doubles", [{"a": 1, "b": 2.5}, {"a": 3, "b": None}]),
    *_in_every_form("flags-for-floats", "doubles", [{"a": 1, "b": 0}, {"a": 0, "b": 1}]),
    *_in_every_form("whole-numbers", "longs", [{"a": 1, "b": 2}]),
    *_in_every_form("one-text", "text", [{"text": "a"}, {"text": "b"}]),
    *_in_every_form("unsigned", "unsigned", [{"a": 1, "b": "x"}]),
    *[
        payload
        for column, values in VALUES.items()
        for value in values
        for payload in _in_every_form(f"{column}={value!r}", "plain", [_with(**{column: value})])
    ],
    *[
        payload
        for column, values in ALL_VALUES.items()
        for value in values
        for payload in _in_every_form(f"{column}={value!r}", "all", [{**ROW, column: value}])
    ],
    _one("records-that-differ", "plain", {"dataframe_records": [PLAIN_ROW, _without("score")]}),
    _one("records-one-without-optional", "optional", {"dataframe_records": [{"score": 1.0, "name": "a"}, {"score": 2.0}]}),
    _one("instances-that-differ", "plain", {"instances": [PLAIN_ROW, _without("score")]}),
    _one("inputs-of-unequal-length", "doubles", {"inputs": {"a": [1.0, 2.0], "b": [1.0]}}),
    _one("instances-of-unequal-length", "doubles", {"instances": {"a": [1.0, 2.0], "b": [1.0]}}),
    _one("instances-columns", "doubles", {"instances": {"a": [1.0, 2.0], "b": [1.0, 3]}}),
    _one("inputs-one-object", "doubles", {"inputs": {"a": 1.5, "b": 2.5}}),
    _one("inputs-scalar-beside-list", "doubles", {"inputs": {"a": 1.5, "b": [2.5, 3.5]}}),
    _one("inputs-nested-lists", "doubles", {"inputs": {"a": [[1.0]], "b": [[2.0]]}}),
    _one("inputs-text-list", "text", {"inputs": ["a", "b"]}),
    _one("inputs-text-scalar", "text", {"inputs": "a"}),
    _one("inputs-text-object", "text", {"inputs": {"text": "a"}}),
    _one("instances-text-list", "text", {"instances": ["a", "b"]}),
    _one("inputs-rows-of-lists", "doubles", {"inputs": [[1.0, 2.0]]}),
    _one("nameless-inputs", "nameless", {"inputs": [[1.0, 2.0, 3.0]]}),
    _one("nameless-split", "nameless", {"dataframe_split": {"data": [[1.0, 2.0, 3]]}}),
    _one("nameless-split-named", "nameless", {"dataframe_split": {"columns": ["x", "y", "z"], "data": [[1, 2.0, 3]]}}),
    _one("nameless-too-few", "nameless", {"dataframe_split": {"data": [[1.0, 2.0]]}}),
    _one("nameless-too-many", "nameless", {"dataframe_split": {"data": [[1.0, 2.0, 3, 4]]}}),
    _one("nameless-records", "nameless", {"dataframe_records": [{"x": 1, "y": 2, "z": 3}]}),
    _one("nameless-object", "nameless", {"inputs": {"x": [1.0], "y": [2.0], "z": [3]}}),
    _one("matrix-instances", "matrix", {"instances": [[1, 2, 3], [4, 5, 6.5]]}),
    _one("matrix-inputs", "matrix", {"inputs": [[1, 2, 3]]}),
    _one("matrix-split", "matrix", {"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2, 3.5]]}}),
    _one("matrix-records", "matrix", {"dataframe_records": [{"a": 1, "b": 2, "c": 3}]}),
    _one("matrix-one-column-of-lists", "matrix", {"dataframe_split": {"columns": ["x"], "data": [[[1, 2, 3]], [[4, 5, 6]]]}}),
    _one("matrix-too-narrow", "matrix", {"inputs": [[1, 2]]}),
    _one("matrix-flat", "matrix", {"inputs": [1, 2, 3]}),
    _one("matrix-ragged", "matrix", {"inputs": [[1, 2, 3], [4]]}),
    _one("matrix-text", "matrix", {"inputs": [["a", "b", "c"]]}),
    _one("matrix-null", "matrix", {"inputs": [[1, None, 3]]}),
    _one("matrix-object", "matrix", {"inputs": {"a": [1, 2, 3]}}),
    _one("matrix-empty", "matrix", {"inputs": []}),
    _one("matrix-split-too-wide", "matrix", {"dataframe_split": {"columns": ["a", "b", "c", "d"], "data": [[1, 2, 3, 4]]}}),
    _one("vector-inputs", "vector", {"inputs": [1, 2, 3]}),
    _one("vector-floats", "vector", {"inputs": [1.0, 2.7]}),
    _one("vector-column", "vector", {"dataframe_split": {"columns": ["x"], "data": [[1], [2]]}}),
    _one("image-inputs", "image", {"inputs": [[[1, 2], [3, 4]]]}),
    _one("image-lists", "image", {"dataframe_split": {"columns": ["x"], "data": [[[1, 2, 3, 4]]]}}),
    _one("image-scalars", "image", {"dataframe_split": {"columns": ["x"], "data": [[1]]}}),
    _one("unsigned-matrix", "unsigned", {"inputs": [[1, 2], [3, 4]]}),
    _one("unsigned-nan", "unsigned", b'{"inputs": [[NaN, Infinity]]}'),
    _one("params-are-ignored", "doubles", {"inputs": {"a": [1.0], "b": [2.0]}, "params": {"x": 1}}),
    _one("unknown-key-is-ignored", "doubles", {"dataframe_records": [{"a": 1.0, "b": 2.0}], "hello": 1}),
    _one("split-with-index", "doubles", _split([{"a": 1.0, "b": 2.0}], index=[7])),
    _one("split-with-wrong-index", "doubles", _split([{"a": 1.0, "b": 2.0}], index=[7, 8])),
    _one("split-extra-key", "doubles", _split([{"a": 1.0, "b": 2.0}], more=1)),
    _one("split-without-data", "doubles", {"dataframe_split": {"columns": ["a", "b"]}}),
    _one("split-without-columns", "doubles", {"dataframe_split": {"data": [[1.0, 2.0]]}}),
    _one("split-ragged", "doubles", {"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, 2.0], [3.0]]}}),
    _one("split-no-rows", "doubles", {"dataframe_split": {"columns": ["a", "b"], "data": []}}),
    _one("split-is-a-list", "doubles", {"dataframe_split": [[1, 2]]}),
    _one("records-is-an-object", "doubles", {"dataframe_records": {"a": 1, "b": 2}}),
    _one("records-no-rows", "doubles", {"dataframe_records": []}),
    _one("records-of-lists", "doubles", {"dataframe_records": [[1, 2]]}),
    _one("instances-no-rows", "doubles", {"instances": []}),
    _one("inputs-null", "doubles", {"inputs": None}),
    _one("nan-and-infinity", "doubles", b'{"dataframe_records": [{"a": NaN, "b": -Infinity}]}'),
    _one("nan-in-whole-numbers", "longs", b'{"dataframe_records": [{"a": NaN, "b": 1}]}'),
    _one("number-twice", "doubles", b'{"inputs": {"a": [1.0], "a": [3.0], "b": [2.0]}}'),
    _one("two-forms", "doubles", {"inputs": {"a": [1.0], "b": [2.0]}, "instances": []}),
    _one("no-form", "doubles", {"columns": ["a"], "data": [[1]]}),
    _one("a-list", "doubles", [[1, 2]]),
    _one("a-number", "doubles", 5),
    _one("an-empty-body", "doubles", b""),
    _one("not-json", "doubles", b"{"),
    _one("not-utf8", "doubles", b'{"inputs": "\xff"}'),
    _one("charset", "doubles", {"inputs": {"a": [1.0], "b": [2.0]}}, "application/json; charset=utf-8"),
    _one("other-charset", "doubles", {"inputs": {"a": [1.0], "b": [2.0]}}, "application/json; charset=latin-1"),
    _one("other-parameter", "doubles", {"inputs": {"a": [1.0], "b": [2.0]}}, "application/json; format=x"),
    _one("other-content-type", "doubles", b"<a/>", "text/xml"),
    _one("csv", "doubles", b"a,b\n1,2.5\n3,\n", CSV),
    _one("csv-whole-numbers", "longs", b"a,b\n1,2\n", CSV),
    _one("csv-missing-whole-number", "longs", b"a,b\n1,\n", CSV),
    _one("csv-text", "text", b"text\nhello\n5\n", CSV),
    _one("csv-plain", "plain", b"flag,small,count,ratio,score,name\nTrue,1,2,0.5,0.25,ada\n", CSV),
    _one("csv-dates", "all", b"flag,small,count,ratio,score,name,time,blob\nTrue,1,2,0.5,1,ada,2013-01-01,aGk=\n", CSV),
    _one("csv-missing-column", "doubles", b"a\n1\n", CSV),
    _one("csv-extra-column", "doubles", b"a,b,c\n1,2,x\n", CSV),
    _one("csv-for-a-matrix", "matrix", b"a,b,c\n1,2,3\n", CSV),
    _one("csv-empty", "doubles", b"", CSV),
    _one("csv-unsigned", "unsigned", b"a,b\n1,x\n", CSV),
]  # fmt: skip
