"""The operator's rights: least, and each for a reason."""

from __future__ import annotations

import pytest

from soloist import rbac
from soloist.core.kind import Kind
from soloist.kinds.registry import KINDS as BINDINGS
from soloist.rbac import operator_grants, user_grants

PAIRS = [
    (f"{resource}.{grant.group}".rstrip("."), verb)
    for grant in operator_grants()
    for resource in grant.resources
    for verb in grant.verbs
]


def verbs(resource: str) -> set[str]:
    return {verb for name, verb in PAIRS if name == resource}


def test_no_right_is_granted_twice() -> None:
    assert sorted(PAIRS) == sorted(set(PAIRS))


def test_nothing_is_granted_by_a_star() -> None:
    assert [pair for pair in PAIRS if "*" in pair[0] or "*" in pair[1]] == []


def test_secrets_are_read_by_name_and_never_listed() -> None:
    assert verbs("secrets") == {"get"}


def test_a_pod_is_never_made_or_deleted() -> None:
    """It may be annotated; that it is no more than that is the chart's admission policy."""
    assert verbs("pods") == {"list", "watch", "patch"}


def test_a_project_is_never_made_changed_or_deleted_by_the_operator() -> None:
    assert verbs("projects.soloist.dev") == {"get", "list", "watch"}


def test_no_role_or_binding_can_be_written() -> None:
    assert [name for name, _ in PAIRS if name.endswith("rbac.authorization.k8s.io")] == []


@pytest.mark.parametrize("kind", BINDINGS, ids=lambda kind: kind.ref.kind)
def test_every_child_of_a_kind_can_be_made_changed_watched_and_deleted(kind: Kind[object]) -> None:
    for child in kind.children:
        group = child.api_version.rpartition("/")[0]
        name = f"{child.plural}.{group}".rstrip(".")
        assert verbs(name) >= {"get", "list", "watch", "create", "patch", "delete"}


@pytest.mark.parametrize("kind", BINDINGS, ids=lambda kind: kind.ref.kind)
def test_whatever_wakes_a_kind_can_be_watched(kind: Kind[object]) -> None:
    for watched in kind.watched:
        group = watched.api_version.rpartition("/")[0]
        assert verbs(f"{watched.plural}.{group}".rstrip(".")) >= {"list", "watch"}


def test_every_kind_that_may_be_written_is_the_child_of_some_kind() -> None:
    children = {child for kind in BINDINGS for child in kind.children}
    assert set(rbac.CHILD_KINDS) - children == set()


def test_who_may_edit_a_namespace_may_use_soloist_there_but_not_write_a_status() -> None:
    written = [
        resource
        for grant in user_grants()["edit"]
        for resource in grant.resources
        if "/" in resource
    ]
    assert written == []


@pytest.mark.parametrize(("role", "may", "may_not"), [
    ("view", ("get", "projects"), ("create", "projects")),
    ("edit", ("create", "projects"), ("patch", "projects/status")),
])  # fmt: skip
def test_the_namespaces_own_roles_know_our_kinds(
    role: str, may: tuple[str, str], may_not: tuple[str, str]
) -> None:
    rights = {
        (verb, resource)
        for grant in user_grants()[role]
        for resource in grant.resources
        for verb in grant.verbs
    }
    assert may in rights
    assert may_not not in rights
