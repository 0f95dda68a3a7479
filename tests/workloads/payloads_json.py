"""More JSON requests: parameters, dates, large and odd numbers, texts, nested values, tensors, and JSON that is hardly one."""

from __future__ import annotations

import json
from typing import Any

from tests.workloads.payloads import Payload

AB = {"a": 1.0, "b": 2.0}

# Story → the value of `params`, for a model with depth: long, cut: double, word: string, flag: boolean, words: string[].
PARAMS: dict[str, Any] = {
    "none-given": {},
    "null": None,
    "all": {"depth": 5, "cut": 0.25, "word": "b", "flag": True, "words": ["x", "y"]},
    "whole-for-double": {"cut": 1},
    "float-for-long": {"depth": 1.5},
    "whole-float-for-long": {"depth": 2.0},
    "text-for-long": {"depth": "5"},
    "flag-for-long": {"depth": True},
    "number-for-text": {"word": 5},
    "number-for-flag": {"flag": 1},
    "text-for-flag": {"flag": "true"},
    "value-null": {"depth": None},
    "unknown": {"deep": 5},
    "known-and-unknown": {"deep": 5, "depth": 7},
    "array-for-single": {"depth": [5]},
    "single-for-array": {"words": "x"},
    "array-empty": {"words": []},
    "array-of-mixed": {"words": ["x", 5]},
    "array-of-arrays": {"words": [["x"]]},
    "array-with-null": {"words": ["x", None]},
    "object-for-single": {"depth": {"x": 1}},
    "list": [5],
    "text": "depth",
    "number": 5,
    "huge-whole": {"depth": 2**70},
    "unicode": {"word": "żółw 🐢"},
    "empty-name": {"": 5},
}
# Story → one time, as text or number.
TIMES: dict[str, Any] = {
    "seconds": "2013-01-31T17:45:30",
    "fraction": "2013-01-31T17:45:30.123456789",
    "minutes": "2013-01-31 17:45",
    "zone-utc": "2013-01-31T17:45:00Z",
    "zone-offset": "2013-01-31T17:45:00+02:00",
    "zone-name": "2013-01-31 17:45 Europe/Berlin",
    "compact": "20130131",
    "compact-time": "20130131T174500",
    "month": "2013-01",
    "year": "2013",
    "words": "31 January 2013",
    "american": "01/31/2013",
    "week": "2013-W05-4",
    "only-time": "17:45",
    "leap-day": "2012-02-29",
    "no-leap-day": "2013-02-29",
    "month-13": "2013-13-01",
    "epoch-seconds": 1359654300,
    "epoch-fraction": 1359654300.5,
    "before-epoch": "1900-01-01",
    "beyond-nanoseconds": "2500-01-01",
    "year-10000": "10000-01-01",
    "not-a-time": "NaT",
    "today": "2013-01-31T24:00:00",
    "empty": "",
    "true": True,
    "list": ["2013-01-31"],
}
# Story → the values of the column a of doubles.
NUMBERS: dict[str, bytes] = {
    "beyond-53-bits": b"9007199254740993",
    "beyond-64-bits": b"18446744073709551616",
    "beyond-doubles": b"1e400",
    "negative-zero": b"-0.0",
    "smallest": b"5e-324",
    "many-digits": b"0.1000000000000000055511151231257827",
    "nan": b"NaN",
    "infinity": b"Infinity",
    "minus-infinity": b"-Infinity",
    "nan-as-text": b'"NaN"',
    "infinity-as-text": b'"inf"',
    "number-as-text": b'"1.5"',
    "spaces-as-text": b'" 1.5 "',
    "empty-text": b'""',
    "leading-zero": b"01",
    "leading-plus": b"+1",
    "leading-point": b".5",
    "hexadecimal": b"0x10",
    "object": b"{}",
    "list": b"[1]",
    "null-in-list": b"[null]",
    "true": b"true",
    "null": b"null",
}
TEXTS: dict[str, Any] = {
    "empty": "",
    "emoji": "🐢",
    "combining": "e\u0301",
    "right-to-left": "שלום",
    "nul": "\u0000",
    "line-separator": "\u2028",
    "lone-surrogate": "\ud800",
    "quotes": "\"'`\\",
    "markup": "<script>alert(1)</script>",
    "long": "x" * 50_000,
    "nan": "NaN",
    "none": "None",
    "number": 5,
    "fraction": 0.5,
    "large-number": 2**70,
    "true": True,
    "list": ["a"],
    "nested": {"a": [None, {"b": None}]},
}
# Story → model, content of `inputs`.
TENSORS: dict[str, tuple[str, Any]] = {
    "matrix-one-row-flat": ("matrix", [1.0, 2.0, 3.0]),
    "matrix-too-deep": ("matrix", [[[1, 2, 3]]]),
    "matrix-too-wide": ("matrix", [[1, 2, 3, 4]]),
    "matrix-no-rows": ("matrix", [[]]),
    "matrix-of-flags": ("matrix", [[True, False, True]]),
    "matrix-of-number-texts": ("matrix", [["1", "2", "3"]]),
    "matrix-mixed": ("matrix", [[1, "x", None]]),
    "matrix-large": ("matrix", [[2**53 + 1, 2**64, 2**70]]),
    "matrix-single": ("matrix", 5),
    "matrix-text": ("matrix", "abc"),
    "matrix-null": ("matrix", None),
    "matrix-of-objects": ("matrix", [{"a": 1}]),
    "vector-single": ("vector", 7),
    "vector-too-deep": ("vector", [[1], [2]]),
    "vector-beyond-64-bits": ("vector", [2**63]),
    "vector-null": ("vector", [None]),
    "vector-true": ("vector", [True]),
    "vector-text": ("vector", ["1", "2"]),
    "vector-empty": ("vector", []),
    "image-wrong-side": ("image", [[[1, 2, 3], [4, 5, 6]]]),
    "image-flat": ("image", [[1, 2, 3, 4]]),
    "image-two": ("image", [[[1, 2], [3, 4]], [[5, 6], [7, 8.5]]]),
    "image-rounding": ("image", [[[0.1, 16777217], [1e39, 1e-46]]]),
    "image-ragged": ("image", [[[1, 2], [3]]]),
    "bytes-in-range": ("pixels", [[0, 255]]),
    "bytes-too-large": ("pixels", [[0, 256]]),
    "bytes-negative": ("pixels", [[-1, 0]]),
    "bytes-fraction": ("pixels", [[0.5, 1]]),
    "flags": ("switches", [True, False]),
    "flags-as-numbers": ("switches", [1, 0, 2]),
    "flags-as-texts": ("switches", ["true", ""]),
    "words": ("words", ["a", "żółw"]),
    "words-numbers": ("words", ["a", 5]),
    "pair-both": ("pair", {"x": [[1, 2]], "y": [3]}),
    "pair-one-missing": ("pair", {"x": [[1, 2]]}),
    "pair-one-more": ("pair", {"x": [[1, 2]], "y": [3], "z": [4]}),
    "pair-wrong-shape": ("pair", {"x": [[1, 2, 3]], "y": [3]}),
    "pair-list": ("pair", [[1, 2]]),
}
# Story → content of `inputs` for a model of points: [{x, y?}], labels?: {text: text}.
NESTED: dict[str, Any] = {
    "one": [{"points": [{"x": 1.0, "y": 2.0}], "labels": {"a": "b"}}],
    "optional-left-out": [{"points": [{"x": 1.0}]}],
    "no-points": [{"points": []}],
    "required-missing": [{"points": [{"y": 1.0}]}],
    "unknown-key": [{"points": [{"x": 1.0, "z": 1.0}]}],
    "wrong-type": [{"points": [{"x": "one"}]}],
    "null-inside": [{"points": [{"x": None}]}],
    "null-instead": [{"points": None}],
    "object-instead-of-list": [{"points": {"x": 1.0}}],
    "labels-of-numbers": [{"points": [{"x": 1.0}], "labels": {"a": 5}}],
    "columns": {"points": [[{"x": 1.0}]]},
}
BODIES: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "text": b'"inputs"',
    "empty-object": b"{}",
    "empty-list": b"[]",
    "spaces-around": b' \n {"inputs": {"a": [1.0], "b": [2.0]}} \t',
    "two-values": b'{"inputs": {"a": [1.0], "b": [2.0]}} {}',
    "comma-at-the-end": b'{"inputs": {"a": [1.0], "b": [2.0],}}',
    "comment": b'{"inputs": {"a": [1.0], "b": [2.0]}} // done',
    "single-quotes": b"{'inputs': {'a': [1.0], 'b': [2.0]}}",
    "byte-order-mark": b'\xef\xbb\xbf{"inputs": {"a": [1.0], "b": [2.0]}}',
    "utf16": '{"inputs": {"a": [1.0], "b": [2.0]}}'.encode("utf-16"),
    "utf16-without-mark": '{"inputs": {"a": [1.0], "b": [2.0]}}'.encode("utf-16-le"),
    "escaped-names": b'{"\\u0069nputs": {"\\u0061": [1.0], "b": [2.0]}}',
    "form-twice": b'{"inputs": {"a": [1.0], "b": [2.0]}, "inputs": {"a": [3.0], "b": [4.0]}}',
    "all-forms": b'{"inputs": 1, "instances": 1, "dataframe_split": 1, "dataframe_records": 1}',
    "upper-case-form": b'{"INPUTS": {"a": [1.0], "b": [2.0]}}',
    "form-null": b'{"dataframe_split": null}',
    "records-null": b'{"dataframe_records": null}',
    "instances-null": b'{"instances": null}',
    "instances-empty-object": b'{"instances": {}}',
    "inputs-empty-object": b'{"inputs": {}}',
    "inputs-empty-list": b'{"inputs": []}',
    "inputs-list-of-empty-objects": b'{"inputs": [{}]}',
    "inputs-list-of-null": b'{"inputs": [null]}',
    "records-of-empty-objects": b'{"dataframe_records": [{}, {}]}',
    "records-of-null": b'{"dataframe_records": [null]}',
    "records-nested-null": b'{"dataframe_records": [{"a": [null], "b": {"c": null}}]}',
    "split-column-twice": b'{"dataframe_split": {"columns": ["a", "a", "b"], "data": [[1.0, 2.0, 3.0]]}}',
    "split-columns-numbers": b'{"dataframe_split": {"columns": [0, 1], "data": [[1.0, 2.0]]}}',
    "split-columns-null": b'{"dataframe_split": {"columns": null, "data": [[1.0, 2.0]]}}',
    "split-columns-text": b'{"dataframe_split": {"columns": "ab", "data": [[1.0, 2.0]]}}',
    "split-columns-nested": b'{"dataframe_split": {"columns": [["a"], ["b"]], "data": [[1.0, 2.0]]}}',
    "split-data-null": b'{"dataframe_split": {"columns": ["a", "b"], "data": null}}',
    "split-data-flat": b'{"dataframe_split": {"columns": ["a", "b"], "data": [1.0, 2.0]}}',
    "split-data-object": b'{"dataframe_split": {"columns": ["a", "b"], "data": {"a": [1.0], "b": [2.0]}}}',
    "split-data-of-objects": b'{"dataframe_split": {"columns": ["a", "b"], "data": [{"a": 1.0, "b": 2.0}]}}',
    "split-row-null": b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, 2.0], null]}}',
    "split-row-too-long": b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, 2.0, 3.0]]}}',
    "split-empty": b'{"dataframe_split": {}}',
    "split-index-texts": b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, 2.0]], "index": ["x"]}}',
    "deep": b'{"inputs": ' + b"[" * 200 + b"1" + b"]" * 200 + b"}",
    "deeper-than-python-goes": b'{"inputs": ' + b"[" * 100_000 + b"1" + b"]" * 100_000 + b"}",
    "other-utf8": b'{"inputs": {"a": [1.0], "b": [2.0], "\xff": [1]}}',
}


def rows(count: int) -> list[dict[str, float]]:
    return [{"a": float(n), "b": n / 7} for n in range(count)]


def _json(story: str, model: str, request: Any) -> Payload:
    return Payload(story, model, json.dumps(request).encode())


def _number(form: str, text: bytes) -> bytes:
    if form == "records":
        return b'{"dataframe_records": [{"a": ' + text + b', "b": 2.0}]}'
    return b'{"inputs": {"a": [' + text + b'], "b": [2.0]}}'


JSON_PAYLOADS: list[Payload] = [
    *[_json(f"params-{s}", "tuned", {"dataframe_records": [AB], "params": p}) for s, p in PARAMS.items()],
    _json("params-absent", "tuned", {"inputs": AB}),
    _json("params-but-no-input", "tuned", {"params": {"depth": 5}}),
    Payload("params-and-csv", "tuned", b"a,b\n1,2\n", "text/csv"),
    *[
        payload
        for story, value in TIMES.items()
        for payload in (
            _json(f"time-{story}-split", "times", {"dataframe_split": {"columns": ["time"], "data": [[value]]}}),
            _json(f"time-{story}-inputs", "times", {"inputs": [{"time": value}]}),
        )
    ],
    _json("times-that-differ-in-form", "times", {"dataframe_records": [{"time": "2013-01-31"}, {"time": "2013-01-31T17:45"}]}),
    _json("times-that-differ-in-zone", "times", {"dataframe_records": [{"time": "2013-01-31T17:45Z"}, {"time": "2013-01-31T17:45+01:00"}]}),
    _json("times-some-missing", "times", {"dataframe_records": [{"time": "2013-01-31"}, {"time": None}]}),
    *[
        Payload(f"number-{story}-{form}", "doubles", _number(form, text))
        for story, text in NUMBERS.items()
        for form in ("records", "inputs")
    ],
    *[
        payload
        for story, value in TEXTS.items()
        for payload in (
            _json(f"text-{story}-records", "text", {"dataframe_records": [{"text": value}]}),
            _json(f"text-{story}-inputs", "text", {"inputs": {"text": [value]}}),
        )
    ],
    *[
        _json(f"tensor-{story}-{form}", model, {form: given})
        for story, (model, given) in TENSORS.items()
        for form in ("inputs", "instances")
    ],
    *[_json(f"nested-{story}", "nested", {"inputs": given}) for story, given in NESTED.items()],
    *[Payload(f"body-{story}", "doubles", body) for story, body in BODIES.items()],
    *[
        Payload(f"no-signature-{story}", "unsigned", body)
        for story, body in BODIES.items()
        if b"inputs" in body or b"split" in body or b"records" in body
    ],
    _json("nameless-column-twice", "nameless", {"dataframe_split": {"columns": ["x", "x", "y"], "data": [[1.0, 2.0, 3]]}}),
    _json("time-column-twice", "times", {"dataframe_split": {"columns": ["time", "time"], "data": [["2013", "2014"]]}}),
    _json("text-column-twice", "text", {"dataframe_split": {"columns": ["text", "text"], "data": [["a", "b"]]}}),
    _json("extra-column-twice", "text", {"dataframe_split": {"columns": ["text", "x", "x"], "data": [["a", "b", "c"]]}}),
    _json("five-thousand-rows-records", "doubles", {"dataframe_records": rows(5000)}),
    _json("five-thousand-rows-inputs", "doubles", {"inputs": rows(5000)}),
    _json("one-bad-row-of-thousands", "doubles", {"dataframe_records": [*rows(5000), {"a": "x", "b": 1}]}),
    _json("a-thousand-extra-columns", "doubles", {"dataframe_records": [AB | {f"c{n}": n for n in range(1000)}]}),
]  # fmt: skip
