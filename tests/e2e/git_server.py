"""A Git server in the room: a pod with `git daemon` behind a Service, so that it works on any cluster."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.eventually import eventually
from tests.e2e.load import pod
from tests.e2e.room import Room

NAME = "git"
PORT = 9418
SERVE = (
    "git init -q --bare -b main /tmp/code.git && "
    f"exec git daemon --reuseaddr --export-all --base-path=/tmp --port={PORT} /tmp/code.git"
)
# A work tree beside the bare repository; commits come with a name, the pod's HOME holds no settings.
COMMIT = """
set -e
export HOME=/tmp GIT_AUTHOR_NAME=ada GIT_AUTHOR_EMAIL=ada@example.com GIT_COMMITTER_NAME=ada GIT_COMMITTER_EMAIL=ada@example.com
[ -d /tmp/work ] || git clone -q /tmp/code.git /tmp/work 2>/dev/null
cd /tmp/work && git checkout -q -B main
{writes}
git add -A && git commit -q -m "{message}" && git push -q origin main && git rev-parse HEAD
"""


@dataclass(frozen=True, slots=True)
class GitServer:
    """A repository that a Run can fetch."""

    room: Room

    @property
    def url(self) -> str:
        return f"git://{NAME}.{self.room.namespace}.svc.cluster.local/code.git"

    def commit(self, files: dict[str, str], message: str) -> str:
        """Put the files into a new commit on `main`; its name."""
        writes = "\n".join(
            f"echo {base64.b64encode(text.encode()).decode()} | base64 -d > {name}"
            for name, text in files.items()
        )
        script = COMMIT.format(writes=writes, message=message)
        said = self.room.kubectl(
            "exec", "-i", "-n", self.room.namespace, NAME, "--", "bash", "-s", stdin=script
        )
        return said.strip().splitlines()[-1]


def start_git_server(room: Room, *, image: str) -> GitServer:
    """A repository without commits, ready to be reached."""
    selector = {"app": NAME}
    service = {"selector": selector, "ports": [{"port": PORT, "targetPort": PORT}]}
    room.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": service},
        pod(NAME, image, ["bash", "-c", SERVE], {"HOME": "/tmp"}),
    )

    def serves() -> bool:
        found = room.get("pods", NAME)
        assert found is not None
        return bool(found["status"]["containerStatuses"][0]["ready"])

    eventually(serves, within=60, what="the Git server's pod to run")
    return GitServer(room)


def files_of(folder: Path) -> dict[str, str]:
    """The folder's Python files."""
    return {path.name: path.read_text() for path in sorted(folder.glob("*.py"))}
