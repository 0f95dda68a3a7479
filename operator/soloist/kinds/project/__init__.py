"""`Project`: the whole of one problem."""

from __future__ import annotations

from soloist.api import resources
from soloist.core.kind import Kind
from soloist.core.objects import PROJECT
from soloist.kinds.project.desired import desire
from soloist.kinds.project.facts import CHILDREN, ProjectFacts, assemble, needs
from soloist.kinds.project.status import summarize

KIND: Kind[ProjectFacts] = Kind(
    resource=resources.PROJECT,
    ref=PROJECT,
    children=CHILDREN,
    needs=needs,
    assemble=assemble,
    desire=desire,
    summarize=summarize,
)
