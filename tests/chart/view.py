"""What a release left on the API server, as a test asks for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.cluster.apiserver import ControlPlane


class View:
    """What lies in the release's namespace."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane, self.namespace = plane, namespace

    def get(self, what: str) -> Any:
        return json.loads(
            self.plane.kubectl("get", what, f"--namespace={self.namespace}", "--output=json")
        )

    def names(self, what: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.get(what)["items"]}

    def eventually(self, holds: Callable[[], bool], within: float = 20) -> None:
        deadline = time.monotonic() + within
        while not holds():
            assert time.monotonic() < deadline, "the controllers did not do it in time"
            time.sleep(0.1)
