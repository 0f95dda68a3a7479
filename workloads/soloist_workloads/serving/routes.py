"""Which path means what. Model names are checked here, so that an answer never comes from another model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Page(Enum):
    INVOCATIONS = auto()
    PING = auto()
    VERSION = auto()
    METRICS = auto()
    LIVE = auto()
    READY = auto()
    SERVER = auto()
    MODEL = auto()
    MODEL_READY = auto()
    INFER = auto()
    DOCS = auto()
    OPENAPI = auto()
    REPLAY = auto()


FIXED = {
    "/invocations": Page.INVOCATIONS,
    "/ping": Page.PING,
    "/health": Page.PING,
    "/version": Page.VERSION,
    "/metrics": Page.METRICS,
    "/docs": Page.DOCS,
    "/openapi.json": Page.OPENAPI,
    "/replay": Page.REPLAY,
    "/v2": Page.SERVER,
    "/v2/health/live": Page.LIVE,
    "/v2/health/ready": Page.READY,
}
OF_MODEL = {"": Page.MODEL, "ready": Page.MODEL_READY, "infer": Page.INFER}
POSTED = frozenset({Page.INVOCATIONS, Page.INFER, Page.REPLAY})


@dataclass(frozen=True, slots=True)
class NotFound:
    """Why no page answers."""

    sentence: str


def find_page(path: str, *, model: str, version: str) -> Page | NotFound:
    if (fixed := FIXED.get(path)) is not None:
        return fixed
    path = path.rstrip("/")
    if (fixed := FIXED.get(path)) is not None:
        return fixed
    prefix = "/v2/models/"
    if not path.startswith(prefix):
        return NotFound(f"There is no {path or '/'} here. Predictions are at POST /invocations.")
    asked, _, rest = path.removeprefix(prefix).partition("/")
    if asked != model:
        return NotFound(f"There is no model {asked} here; this is {model}.")
    if rest == "versions" or rest.startswith("versions/"):
        number, _, rest = rest.removeprefix("versions").lstrip("/").partition("/")
        if number != version:
            return NotFound(f"Version {number} of {model} is not here; this is version {version}.")
    page = OF_MODEL.get(rest)
    return page if page is not None else NotFound(f"There is no {path} here.")
