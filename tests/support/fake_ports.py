"""The small fakes: Git, clock and meter, and all five ports together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from soloist.control.ports import Memory, Ports, Unreachable
from tests.support.fake_cluster import FakeCluster
from tests.support.fake_tracking import FakeTracking

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class FakeGit:
    """Commits by (url, ref)."""

    commits: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: list[tuple[str, str, tuple[str, str] | None]] = field(default_factory=list)

    async def resolve(self, url: str, ref: str, credentials: tuple[str, str] | None) -> str:
        self.asked.append((url, ref, credentials))
        if (url, ref) not in self.commits:
            raise Unreachable("SourceUnreachable", f"{url} has no {ref}. Push it.")
        return self.commits[url, ref]


@dataclass
class FakePages:
    """Texts by address, and what was told where."""

    texts: dict[str, str] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)

    async def get(self, url: str) -> str:
        return self.texts.get(url, "")

    async def post(self, url: str, message: str) -> None:
        self.told.append((url, message))


@dataclass
class FakeClock:
    """Stands still until told."""

    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass
class FakeMeter:
    """Counts."""

    acts: Counter[tuple[str, str]] = field(default_factory=Counter)
    reconciles: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    waiting: int = 0

    def reconciled(self, kind: str, outcome: str, reason: str, seconds: float) -> None:
        self.reconciles[kind, outcome, reason] += 1

    def acted(self, verb: str, kind: str) -> None:
        self.acts[verb, kind] += 1

    def depth(self, waiting: int) -> None:
        self.waiting = waiting


@dataclass
class World:
    """Every fake, by its own type; `ports` is what the loop gets."""

    clock: FakeClock = field(default_factory=FakeClock)
    cluster: FakeCluster = field(init=False)
    tracking: FakeTracking = field(default_factory=FakeTracking)
    git: FakeGit = field(default_factory=FakeGit)
    pages: FakePages = field(default_factory=FakePages)
    memory: Memory = field(default_factory=Memory)
    meter: FakeMeter = field(default_factory=FakeMeter)

    def __post_init__(self) -> None:
        self.cluster = FakeCluster(clock=self.clock)

    @property
    def ports(self) -> Ports:
        return Ports(
            self.cluster, self.tracking, self.git, self.pages, self.meter, self.clock, self.memory
        )
