"""The page at /docs: what it may do, what it shows, and what it sends."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from soloist_workloads.serving.app import App
from soloist_workloads.serving.openapi.page import FILE, show_page
from tests.workloads.server_process import serving

Connect = Callable[[App], httpx.AsyncClient]
HTML = FILE.read_text()
(SCRIPT,) = re.findall(r"<script>(.*?)</script>", HTML, re.DOTALL)
NODE = shutil.which("node")
VOID = {"meta", "link", "input"}


class Reader(HTMLParser):
    """Every element with its attributes; complains about what isn't closed."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"


@pytest.fixture
def elements() -> list[tuple[str, dict[str, str | None]]]:
    reader = Reader()
    reader.feed(HTML)
    assert reader.open == []
    return reader.elements


async def test_the_page_may_run_its_own_script_and_talk_to_its_endpoint_only(
    make_app: Callable[..., App], connect: Connect
) -> None:
    async with connect(make_app()) as client:
        answer = await client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy.pop("style-src").startswith("'sha256-")
    assert policy == {
        "default-src": "'none'", "script-src": f"'sha256-{digest}'", "connect-src": "'self'", "img-src": "data:",
        "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip
    assert answer.text == HTML, "nothing is written into it, so there is nothing to escape"


def test_the_page_needs_nothing_from_elsewhere_and_writes_text_only(
    elements: list[tuple[str, dict[str, str | None]]],
) -> None:
    assert "http:" not in HTML
    assert "https:" not in HTML
    assert not any("src" in attributes for _, attributes in elements)
    links = [attributes.get("href") for _, attributes in elements if "href" in attributes]
    assert set(links) == {"data:,", "openapi.json"}
    assert not any(name.startswith("on") or name == "style" for _, had in elements for name in had)
    for dangerous in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
        ".style",
    ):
        assert dangerous not in SCRIPT


def test_every_control_has_a_name_and_every_reference_a_target(
    elements: list[tuple[str, dict[str, str | None]]],
) -> None:
    ids = [had["id"] for _, had in elements if "id" in had]
    assert len(ids) == len(set(ids))
    for attribute in ("for", "aria-controls", "aria-labelledby"):
        assert {had[attribute] for _, had in elements if attribute in had} <= set(ids)
    labelled = {had["for"] for tag, had in elements if tag == "label"}
    fields = {had["id"] for tag, had in elements if tag in ("input", "textarea")}
    assert fields == labelled
    assert ("html", {"lang": "en"}) in elements
    live = [had for _, had in elements if had.get("aria-live") == "polite"]
    assert [had["id"] for had in live] == ["said"]
    assert "prefers-color-scheme: dark" in HTML


def test_a_real_server_shows_both(mirror: Callable[[str], Path]) -> None:
    with serving(mirror("doubles")) as port:
        page = httpx.get(f"http://127.0.0.1:{port}/docs")
        document = httpx.get(f"http://127.0.0.1:{port}/openapi.json")
    assert (page.content, page.status_code) == (show_page().body, 200)
    assert [field["name"] for field in document.json()["x-soloist-columns"]] == ["a", "b"]


API: dict[str, Any] = {
    "info": {"title": "flights", "version": "3", "description": "Predictions."},
    "x-soloist-columns": [
        {"name": "<b>count</b>", "type": "long", "required": True, "nullable": False, "value": "9007199254740993"},
        {"name": "it's", "type": "string", "required": True, "nullable": True, "value": '"a \\"b\\""'},
        {"name": "delay", "type": "double", "required": True, "nullable": True, "value": "null"},
        {"name": "note", "type": "string", "required": False, "nullable": True, "value": ""},
        {"name": "late", "type": "boolean", "required": True, "nullable": False, "value": "true"},
    ],
    "x-soloist-params": [{"name": "depth", "type": "long", "required": False, "default": "3", "value": ""}],
    "x-soloist-body": '{"inputs": [1]}',
}  # fmt: skip
OK = {"status": 200, "headers": {}, "text": json.dumps(API)}
ANSWERED = {
    "status": 200, "text": '{"predictions": [<1>]}',
    "headers": {"x-soloist-version": "7", "x-soloist-rung": "champion", "x-request-id": "r-1", "x-model-version": "3"},
}  # fmt: skip


def act(
    *steps: tuple[str, ...], answers: list[dict[str, Any]], path: str = "/docs"
) -> dict[str, Any]:
    if NODE is None:
        pytest.skip("node runs the page's script, and is not on this machine")
    scenario = {"html": HTML, "script": SCRIPT, "path": path, "answers": answers, "steps": steps}
    done = subprocess.run(
        [NODE, str(Path(__file__).with_name("page.js"))],
        input=json.dumps(scenario),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_fields_are_filled_by_the_example_and_labelled() -> None:
    page = act(answers=[OK])
    assert page["title"] == "flights 3"
    assert page["fields"] == [
        {"name": "<b>count</b>", "hint": "long", "value": "9007199254740993", "isLabelled": True},
        {"name": "it's", "hint": "string, may be missing", "value": 'a "b"', "isLabelled": True},
        {"name": "delay", "hint": "double, may be missing", "value": "", "isLabelled": True},
        {"name": "note", "hint": "string, may be left out", "value": "", "isLabelled": True},
        {"name": "late", "hint": "boolean", "value": "true", "isLabelled": True},
        {"name": "depth", "hint": "long, default 3", "value": "", "isLabelled": True},
    ]
    assert page["selected"] == ["tab-form"]


def test_what_is_typed_is_sent_without_losing_a_digit() -> None:
    page = act(
        ("type", "<b>count</b>", "-9223372036854775808"),
        ("type", "delay", " 1.50 "),
        ("type", "late", "False"),
        ("type", "depth", "5"),
        ("press", "send"),
        answers=[OK, ANSWERED],
        path="/some/prefix/docs/",
    )
    assert [one["address"] for one in page["asked"]] == [
        "/some/prefix/openapi.json", "/some/prefix/invocations",
    ]  # fmt: skip
    sent = page["asked"][1]
    assert sent["method"] == "POST"
    assert sent["headers"] == {"content-type": "application/json"}
    assert "1.50" in sent["body"]
    assert json.loads(sent["body"]) == {
        "dataframe_split": {
            "columns": ["<b>count</b>", "it's", "delay", "late"],
            "data": [[-9223372036854775808, 'a "b"', 1.5, False]],
        },
        "params": {"depth": 5},
    }
    assert page["texts"]["said"] == "Status 200, after 0 ms, version 7, rung champion, request r-1."
    assert page["texts"]["answer"] == '{"predictions": [<1>]}'


def test_what_is_no_number_goes_as_text_and_the_endpoints_sentence_is_shown() -> None:
    refusal = {"error_code": "BAD_REQUEST", "message": "Column delay must be double."}
    page = act(
        ("type", "delay", "soon"), ("type", "late", "maybe"), ("type", "it's", ""), ("press", "send"),
        answers=[OK, {"status": 400, "headers": {"x-model-version": "3"}, "text": json.dumps(refusal)}],
    )  # fmt: skip
    (row,) = json.loads(page["asked"][1]["body"])["dataframe_split"]["data"]
    assert row == [9007199254740993, "", "soon", "maybe"]
    said = "Status 400, after 0 ms, version 3. Column delay must be double."
    assert page["texts"]["said"] == said


def test_the_curl_command_is_the_same_request_in_any_shell() -> None:
    page = act(("type", "key", "secret-1"), answers=[OK])
    words = shlex.split(page["texts"]["curl"].replace("\\\n", " "))
    assert words == [
        "curl", "https://models.example.com/invocations", "-H", "content-type: application/json",
        "-H", "x-api-key: $API_KEY", "--data-binary", page["body"],
    ]  # fmt: skip
    assert "secret-1" not in json.dumps(page["texts"])


def test_a_401_asks_for_the_key_and_the_key_is_then_sent() -> None:
    refused = {"status": 401, "headers": {}, "text": '{"error": "No key came in x-api-key."}'}
    page = act(
        ("type", "key", "k"), ("press", "load"), ("press", "send"), ("press", "send"),
        answers=[refused, OK, refused, {"status": 0}],
    )  # fmt: skip
    assert [one["headers"].get("x-api-key") for one in page["asked"]] == [None, "k", "k", "k"]
    assert "try" not in page["hidden"]
    assert page["texts"]["said"].startswith("No answer: Failed to fetch.")
    still = act(answers=[refused])
    assert "status 401. No key came in x-api-key." in still["texts"]["intro"]
    assert "put it into the field for it" in still["texts"]["intro"]
    assert "try" in still["hidden"]
    assert "load" not in still["hidden"]


def test_without_columns_there_is_the_request_as_json() -> None:
    bare = {**API, "x-soloist-columns": [], "x-soloist-params": []}
    page = act(("press", "send"), answers=[{**OK, "text": json.dumps(bare)}, ANSWERED])
    assert page["selected"] == ["tab-json"]
    assert {"tab-form", "panel-form"} <= set(page["hidden"])
    assert page["asked"][1]["body"] == '{"inputs": [1]}'


def test_arrow_keys_change_the_tab_and_the_focus() -> None:
    page = act(("key", "tab-form", "ArrowRight"), answers=[OK])
    assert (page["selected"], page["focus"]) == (["tab-json"], "tab-json")
