"""The serving runtime behind an endpoint's gateway, both on one core: what this row has more than the runtime's own is the gateway's."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from soloist.gateway.files import args, files
from soloist.gateway.plan import Backend, GatewayPlan, Place
from tests.cluster.ports import free_ports
from tests.gateway.mount import Mount
from tests.support.envoy import envoy


def main() -> int:
    port, folder = int(sys.argv[1]), Path(tempfile.mkdtemp(prefix="gateway-", dir="."))
    server, stats, admin = free_ports(3)
    place = Place("127.0.0.1", port, stats, admin_port=admin, folder=str(folder.absolute()))
    champion = Backend("1", "127.0.0.1", server, "champion")
    plan = GatewayPlan("bench", "m", "m", champion, place=place)
    Mount(folder).write(files(plan))
    runtime = [sys.executable, "-m", "soloist_workloads.serving"]
    children = [
        subprocess.Popen(runtime, env=os.environ | {"SOLOIST_PORT": str(server)}),
        subprocess.Popen([envoy(), *args(plan)], stdout=subprocess.DEVNULL),
    ]
    # Whoever stops this stops both.
    signal.signal(signal.SIGTERM, lambda *_: [child.terminate() for child in children])
    return max(child.wait() for child in children)


if __name__ == "__main__":
    sys.exit(main())
