"""Drive objects to rest, as the operator would, one reconcile after the other; and tell how the world looks then."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from soloist.api.platform import Platform
from soloist.control.ports import Cluster, Ports
from soloist.control.reconcile import reconcile
from soloist.core.kind import Kind
from soloist.core.objects import Key, KindRef
from tests.support.cut import Killed, Knife, cut
from tests.support.fake_ports import FakeClock

PLATFORM = Platform.model_validate({"runtimes": {"default": {"image": "example/runtime:1"}}})
ROUNDS = 120
QUIET = 2
# Of a gateway's files, which name the namespace.
_DIGEST = re.compile(
    r'(?<=version_info\\": \\")[0-9a-f]{16}|(?<="soloist.dev/gateway-bootstrap": ")[0-9a-f]{16}'
)
_CLUSTER_IP = re.compile(r'"10\.\d+\.\d+\.\d+"')
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


async def nothing_else() -> bool:
    """Nobody else lives here."""
    return False


@dataclass
class Story:
    """A world at rest is one in which rounds pass, and time with them, without a write."""

    kinds: tuple[Kind[Any], ...]
    ports: Ports
    clock: FakeClock
    namespace: str
    play: Callable[[], Awaitable[bool]] = nothing_else
    seconds: float = 12.0
    platform: Platform = PLATFORM

    async def settle(self, knife: Knife | None = None) -> int:
        """How many writes it took. A cut reconcile ends, like its process; the next one begins from nothing."""
        knife = knife or Knife()
        ports = cut(self.ports, knife)
        quiet = 0
        for _ in range(ROUNDS):
            before = knife.writes
            await self._round(ports)
            moved = await self.play()
            quiet = 0 if moved or knife.writes != before else quiet + 1
            if quiet == QUIET:
                return knife.writes
            self.clock.advance(seconds=self.seconds)
        raise AssertionError(f"not at rest after {ROUNDS} rounds")

    async def _round(self, ports: Ports) -> None:
        for kind in self.kinds:
            for body in await self.ports.cluster.list(kind.ref, self.namespace, {}):
                key = Key(kind.ref.kind, self.namespace, body["metadata"]["name"])
                try:
                    await reconcile(kind, key, self.platform, ports)
                except Killed:
                    continue


async def picture(cluster: Cluster, kinds: Iterable[KindRef], namespace: str) -> dict[str, Any]:
    """Every object, without what differs between two equal worlds: UIDs, versions, times, addresses, the namespace."""
    bodies = [(kind, body) for kind in kinds for body in await cluster.list(kind, namespace, {})]
    names = {
        body["metadata"]["uid"]: f"uid of {kind.kind} {body['metadata']['name']}"
        for kind, body in bodies
    }
    result: dict[str, Any] = {}
    for kind, body in bodies:
        meta = {
            key: value
            for key, value in body["metadata"].items()
            if key in ("name", "labels", "annotations", "finalizers", "ownerReferences")
        }
        text = json.dumps({**body, "metadata": meta}, sort_keys=True)
        for uid, name in names.items():
            text = text.replace(uid, name)
        text = _TIME.sub("(time)", text.replace(namespace, "(namespace)"))
        text = _CLUSTER_IP.sub('"(address)"', text)
        text = _DIGEST.sub("(digest)", text)
        result[f"{kind.kind} {meta['name']}"] = json.loads(text)
    return result
