"""The documentation says what the code does: fields, bounds, reasons, links, commands, and the checks it names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
import yaml
from pydantic.fields import FieldInfo

from soloist.api.conditions import Condition, Reason
from soloist.api.fields import Model
from soloist.api.forms import Form
from soloist.api.platform import Platform
from soloist.api.resources import KINDS, ResourceKind

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
BY_HAND = [page for page in PAGES if page.name != "api.md"]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
BULLET = re.compile(r"^- `(?P<path>(?:spec|status)\.[^`]+)` \((?P<head>.+?)\)\. ", re.MULTILINE)


def fields_of(model: type[Model], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    """Every field under a model, as users write its path; a condition's own fields have their own page."""
    for name, info in model.model_fields.items():
        path = f"{prefix}.{info.alias or name}"
        yield path, info
        inner, is_list = inner_model(info.annotation)
        if inner is not None and inner is not Condition:
            yield from fields_of(inner, f"{path}[]" if is_list else path)


def inner_model(annotation: Any) -> tuple[type[Model] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation, False
    if get_origin(annotation) in (UnionType, Union):
        found = (inner_model(one) for one in get_args(annotation))
        return next((one for one in found if one[0] is not None), (None, False))
    if get_origin(annotation) is list:
        item = get_args(annotation)[0]
        # Annotated[Item, ...] inside a list
        item = getattr(item, "__origin__", item)
        return inner_model(item)[0], True
    return None, False


def documented(page: str) -> dict[str, str]:
    """Path → what stands in its parentheses."""
    text = re.sub(r"\n {2}(?=\S)", " ", (DOCS / "spec" / page).read_text())
    return {match["path"]: match["head"] for match in BULLET.finditer(text)}


def all_fields(kind: ResourceKind) -> dict[str, FieldInfo]:
    return dict([*fields_of(kind.spec, "spec"), *fields_of(kind.status, "status")])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_field_of_a_kind_is_on_its_page_and_no_other(kind: ResourceKind) -> None:
    assert sorted(documented(f"{kind.singular}.md")) == sorted(all_fields(kind))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_page_tells_which_fields_are_required_and_every_default_and_bound(
    kind: ResourceKind,
) -> None:
    said = documented(f"{kind.singular}.md")
    missing = {
        path: wanted
        for path, info in all_fields(kind).items()
        if path.startswith("spec.")
        if (wanted := [word for word in facts_of(info) if word not in said[path]])
    }
    assert missing == {}


def facts_of(info: FieldInfo) -> list[str]:
    """What a reader has to be told of a field, as words that its page must hold."""
    words = ["required"] if info.is_required() else []
    default = info.default
    if isinstance(default, bool):
        words.append(f"default `{str(default).lower()}`")
    elif isinstance(default, str | int) and default != "":
        words.append(f"default `{default}`")
    for bound in info.metadata:
        for name in ("max_length", "ge", "le"):
            value = getattr(bound, name, None)
            if value is not None:
                words.append(str(value))
        if isinstance(bound, Form) and bound.least:
            words.append(f"at least {bound.least}")
    words += [f"`{value}`" for value in get_args(info.annotation) if is_literal(info)]
    return words


def is_literal(info: FieldInfo) -> bool:
    return get_origin(info.annotation) is Literal


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_page_names_the_printed_columns_the_short_name_and_the_longest_name(
    kind: ResourceKind,
) -> None:
    text = (DOCS / "spec" / f"{kind.singular}.md").read_text()
    columns = [f"`{column.name}`" for column in kind.columns]
    wanted = [*columns, f"`{kind.short}`", f"at most {kind.name_limit} characters"]
    assert [word for word in wanted if word not in text] == []


def test_the_fields_of_a_condition_have_their_page() -> None:
    wanted = [
        f"status.conditions[].{info.alias or name}" for name, info in Condition.model_fields.items()
    ]
    assert sorted(documented("conditions.md")) == sorted(wanted)


@pytest.mark.parametrize("page", ["spec/conditions.md", "troubleshooting.md"])
def test_every_reason_is_explained(page: str) -> None:
    text = (DOCS / page).read_text()
    assert [reason.value for reason in Reason if f"`{reason.value}`" not in text] == []


def test_every_setting_of_the_platform_is_a_value_of_the_chart() -> None:
    values = yaml.safe_load((ROOT / "charts/soloist/values.yaml").read_text())
    chart_says = set(values["platform"])
    # from other values, or the release itself
    derived = {"mlflow", "runtimes", "operatorNamespace"}
    wanted = {info.alias or name for name, info in Platform.model_fields.items()}
    assert wanted - derived == chart_says


def without_code(text: str) -> str:
    return re.sub(
        r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    )


def slug(heading: str) -> str:
    """A heading's anchor, as forges make it."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip()).lower()
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", plain))


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        where = (page.parent / path).resolve() if path else page
        if not where.exists() or (anchor and anchor not in anchors(where)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    known = set(re.findall(r"^([a-z][a-z0-9-]*):", makefile, re.MULTILINE))
    code = re.findall(r"`([^`\n]+)`", page.read_text())
    code += re.findall(r"^(?:\$ )?(make .*)$", page.read_text(), re.MULTILINE)
    named = {target for line in code for target in re.findall(r"^make ([a-z][a-z0-9-]*)", line)}
    assert named - known == set()


def contracts() -> set[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {contract["name"] for contract in settings["contracts"]}


def existing_tests() -> set[str]:
    return {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"def (test_\w+)\(", path.read_text())
    }


@pytest.mark.parametrize("page", BY_HAND, ids=[str(page.relative_to(ROOT)) for page in BY_HAND])
def test_the_checks_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    tests = set(re.findall(r"`(test_\w+)`", text))
    named = {" ".join(name.split()) for name in re.findall(r"contract “([^”]+)”", text)}
    assert (tests - existing_tests(), named - contracts()) == (set(), set())


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_output_is_left_to_be_filled_in(page: Path) -> None:
    assert "<!-- output" not in page.read_text()


def test_every_decision_is_listed() -> None:
    decisions = {path.name for path in (DOCS / "adr").glob("0*.md")}
    listed = set(re.findall(r"\((0\d{3}[^)]*\.md)\)", (DOCS / "adr" / "README.md").read_text()))
    assert listed == decisions
