"""Requests whose content is no JSON, or whose type or method is unusual: CSV, Parquet, charsets, methods."""

from __future__ import annotations

import io

import pandas as pd

from tests.workloads.payloads import CSV, JSON, Payload

PARQUET = "application/vnd.apache.parquet"
GOOD = b'{"inputs": {"a": [1.0], "b": [2.0]}}'


def parquet(table: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    table.to_parquet(file)
    return file.getvalue()


# Story → model, body.
CSV_BODIES: dict[str, tuple[str, bytes]] = {
    "windows-line-ends": ("doubles", b"a,b\r\n1,2.5\r\n3,4\r\n"),
    "old-mac-line-ends": ("doubles", b"a,b\r1,2.5\r3,4\r"),
    "no-last-line-end": ("doubles", b"a,b\n1,2.5"),
    "byte-order-mark": ("doubles", b"\xef\xbb\xbfa,b\n1,2\n"),
    "quoted-numbers": ("doubles", b'a,b\n"1","2.5"\n'),
    "quoted-names": ("doubles", b'"a","b"\n1,2\n'),
    "quoted-text-with-comma": ("text", b'text\n"one, two"\n'),
    "quoted-text-with-quote": ("text", b'text\n"say ""hi"""\n'),
    "quoted-text-with-line-end": ("text", b'text\n"one\ntwo"\nthree\n'),
    "unclosed-quote": ("text", b'text\n"one\n'),
    "header-only": ("doubles", b"a,b\n"),
    "header-without-line-end": ("doubles", b"a,b"),
    "text-header-only": ("text", b"text\n"),
    "only-line-ends": ("doubles", b"\n\n\n"),
    "only-spaces": ("doubles", b"   \n"),
    "blank-lines-between": ("doubles", b"a,b\n\n1,2\n\n3,4\n"),
    "spaces-around-values": ("doubles", b"a,b\n 1 , 2 \n"),
    "spaces-around-names": ("doubles", b"a, b\n1,2\n"),
    "semicolons": ("doubles", b"a;b\n1;2\n"),
    "tabs": ("doubles", b"a\tb\n1\t2\n"),
    "column-twice": ("doubles", b"a,a,b\n1,2,3\n"),
    "other-order": ("doubles", b"b,a\n1,2\n"),
    "row-too-long": ("doubles", b"a,b\n1,2,3\n4,5,6\n"),
    "one-row-too-long": ("doubles", b"a,b\n1,2\n4,5,6\n"),
    "row-too-short": ("doubles", b"a,b\n1\n"),
    "unnamed-index-first": ("doubles", b",a,b\n0,1,2\n"),
    "infinity": ("doubles", b"a,b\ninf,-inf\n"),
    "not-a-number": ("doubles", b"a,b\nNaN,NA\n"),
    "a-word-for-a-number": ("doubles", b"a,b\nx,2\n"),
    "exponents": ("doubles", b"a,b\n1e3,-2.5E-3\n"),
    "hexadecimal": ("doubles", b"a,b\n0x10,1\n"),
    "thousands": ("doubles", b'a,b\n"1,000",1\n'),
    "whole-number-with-point": ("longs", b"a,b\n1.0,2\n"),
    "whole-number-beyond-64-bits": ("longs", b"a,b\n9223372036854775808,2\n"),
    "whole-number-beyond-32-bits": ("longs", b"a,b\n1,2147483648\n"),
    "whole-number-negative": ("longs", b"a,b\n-1,-2\n"),
    "text-missing": ("text", b'text\n""\nNA\nnull\nx\n'),
    "text-of-digits": ("text", b"text\n007\n1.50\n"),
    "text-unicode": ("text", "text\nżółw 🐢\n".encode()),
    "text-true": ("text", b"text\nTrue\n"),
    "not-utf8": ("text", b"text\n\xff\n"),
    "flags-lower-case": ("plain", b"flag,small,count,ratio,score,name\ntrue,1,2,0.5,0.25,ada\n"),
    "flags-as-numbers": ("plain", b"flag,small,count,ratio,score,name\n1,1,2,0.5,0.25,ada\n"),
    "flag-missing": ("plain", b"flag,small,count,ratio,score,name\n,1,2,0.5,0.25,ada\n"),
    "flag-wrong": ("plain", b"flag,small,count,ratio,score,name\nyes,1,2,0.5,0.25,ada\n"),
    "optional-left-out": ("optional", b"score\n1.5\n"),
    "optional-given": ("optional", b"score,name,count\n1.5,a,3\n"),
    "optional-empty-text": ("optional", b"score,name\n1.5,\n"),
    "optional-empty-number": ("optional", b"score,count\n1.5,\n"),
    "date": ("times", b"time\n2013-01-31\n"),
    "nameless": ("nameless", b"x,y,z\n1.5,2.5,3\n"),
    "nameless-too-few": ("nameless", b"x,y\n1.5,2.5\n"),
    "vector": ("vector", b"x\n1\n2\n"),
    "no-signature-dates": ("unsigned", b"a,b\n2013-01-31,True\n"),
    "no-signature-missing": ("unsigned", b"a,b\n1,\n,x\n"),
    "no-signature-twice": ("unsigned", b"a,a\n1,2\n"),
    "no-signature-empty": ("unsigned", b""),
    "no-signature-header-only": ("unsigned", b"a,b\n"),
    "thousand-rows": ("doubles", b"a,b\n" + b"".join(b"%d,%d.5\n" % (n, n) for n in range(1000))),
    "json-called-csv": ("doubles", GOOD),
    "nul-byte": ("text", b"text\na\x00b\n"),
}
PARQUET_BODIES: dict[str, tuple[str, bytes]] = {
    "doubles": ("doubles", parquet(pd.DataFrame({"a": [1.0, 2.0], "b": [2.5, None]}))),
    "whole-numbers-for-doubles": ("doubles", parquet(pd.DataFrame({"a": [1, 2], "b": [2, 3]}))),
    "small-numbers-for-longs": ("longs", parquet(pd.DataFrame({"a": [1], "b": [2]}, dtype="int16"))),
    "text": ("text", parquet(pd.DataFrame({"text": ["a", None]}))),
    "times": ("times", parquet(pd.DataFrame({"time": pd.to_datetime(["2013-01-31T17:45"])}))),
    "times-in-zone": ("times", parquet(pd.DataFrame({"time": pd.to_datetime(["2013-01-31T17:45Z"])}))),
    "column-missing": ("doubles", parquet(pd.DataFrame({"a": [1.0]}))),
    "column-extra": ("doubles", parquet(pd.DataFrame({"a": [1.0], "b": [1.0], "c": ["x"]}))),
    "no-rows": ("doubles", parquet(pd.DataFrame({"a": [], "b": []}, dtype="float64"))),
    "matrix": ("matrix", parquet(pd.DataFrame({"a": [1.0], "b": [2.0], "c": [3.0]}))),
    "no-signature": ("unsigned", parquet(pd.DataFrame({"a": [1], "b": ["x"]}))),
    "broken": ("doubles", b"PAR1 this is none"),
    "empty": ("doubles", b""),
}  # fmt: skip
# Story → content type of a good JSON request.
CONTENT_TYPES: dict[str, str] = {
    "upper-case": "APPLICATION/JSON",
    "upper-case-charset": "application/json; charset=UTF-8",
    "charset-without-space": "application/json;charset=utf-8",
    "charset-quoted": 'application/json; charset="utf-8"',
    "charset-utf8": "application/json; charset=utf8",
    "charset-ascii": "application/json; charset=us-ascii",
    "charset-upper-name": "application/json; Charset=utf-8",
    "two-parameters": "application/json; charset=utf-8; version=1",
    "semicolon-at-the-end": "application/json;",
    "json-of-a-kind": "application/vnd.api+json",
    "plain-text": "text/plain",
    "form": "application/x-www-form-urlencoded",
    "binary": "application/octet-stream",
    "any": "*/*",
    "nonsense": "json",
    "empty": "",
    "old-pandas-split": "application/json; format=pandas-split",
    "csv-with-latin": "text/csv; charset=iso-8859-1",
}
METHODS = ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")

TEXT_PAYLOADS: list[Payload] = [
    *[Payload(f"csv-{story}", *given, CSV) for story, given in CSV_BODIES.items()],
    *[Payload(f"parquet-{story}", *given, PARQUET) for story, given in PARQUET_BODIES.items()],
    *[Payload(f"type-{story}", "doubles", GOOD, media) for story, media in CONTENT_TYPES.items()],
    Payload("type-absent", "doubles", GOOD, None),
    *[Payload(f"method-{method}", "doubles", b"", JSON, method) for method in METHODS],
]
