"""The commands of the cluster: python3 -m tests.cluster up."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable

from tests.cluster import outside, packages
from tests.cluster.binaries import ensure_built
from tests.cluster.choice import choose
from tests.cluster.develop import roll_operator
from tests.cluster.images import IMAGES
from tests.cluster.layout import CHECKOUT, cache
from tests.cluster.local import LocalCluster
from tests.cluster.phases import phase, say
from tests.cluster.trouble import Trouble


def install_packages(asked: argparse.Namespace) -> None:
    """install the Debian packages that the local cluster uses; nothing where another cluster serves"""
    packages.extend_path()
    if isinstance(choose(), LocalCluster):
        packages.ensure_packages()


def build(asked: argparse.Namespace) -> None:
    """build Kubernetes and its tools, once per version of tests/cluster/go"""
    ensure_built()


def up(asked: argparse.Namespace) -> None:
    """bring the cluster up; does what is missing, nothing when it is up"""
    cluster = choose()
    with phase(f"the {cluster.name} cluster is ready"):
        cluster.up()


def down(asked: argparse.Namespace) -> None:
    """take the cluster down; built images and binaries stay"""
    choose().down()


def status(asked: argparse.Namespace) -> int:
    """say whether it is up; ends with 0 when it is"""
    cluster = choose()
    is_up = cluster.is_up()
    print(f"The {cluster.name} cluster is {'up' if is_up else 'not up'}.")
    for server, state in cluster.status().items():
        print(f"  {server:20} {state}")
    return 0 if is_up else 3


def images(asked: argparse.Namespace) -> None:
    """build images and bring them to the cluster; prints their references"""
    published = choose().publish(asked.target)
    if asked.json:
        print(json.dumps(published, indent=1))
    else:
        for target, reference in published.items():
            print(f"{target:15} {reference}")


def kubeconfig(asked: argparse.Namespace) -> None:
    """print the path of the cluster's kubeconfig"""
    print(choose().kubeconfig)


def env(asked: argparse.Namespace) -> None:
    """print what a shell needs: eval "$(python3 -m tests.cluster env)" """
    for name, value in choose().environment().items():
        print(f"export {name}={shlex.quote(value)}")


def dev(asked: argparse.Namespace) -> None:
    """run the operator of this checkout in the cluster: build, push what changed, roll out"""
    roll_operator(choose())


def run_with(asked: argparse.Namespace) -> int:
    """run a command with a cluster: up before, and down after if it wasn't up before (SOLOIST_KEEP=1 leaves it)"""
    cluster = choose()
    was_down = cluster.up()
    try:
        return subprocess.run(
            asked.words, env={**os.environ, **cluster.environment()}, check=False
        ).returncode
    finally:
        if was_down and not os.environ.get("SOLOIST_KEEP"):
            cluster.down()


def clean(asked: argparse.Namespace) -> None:
    """take the local cluster down and remove all that it cached: binaries, base image, layers"""
    LocalCluster().forget()


def prepare(asked: argparse.Namespace) -> None:
    """everything that takes long: packages, binaries, images; after it the rest takes seconds"""
    install_packages(asked)
    ensure_built()
    choose().publish([])
    outside.ensure_built()


def warm(asked: argparse.Namespace) -> None:
    """prepare in the background, at low priority; whoever needs a part of it waits for that part"""
    install_packages(asked)
    log = cache() / "warm.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as told:
        command = ("nice", "-n", "10", sys.executable, "-m", "tests.cluster", "prepare")
        subprocess.Popen(
            command,
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            start_new_session=True,
        )
    say(f"Building what is missing in the background; {log} tells how far it is.")


COMMANDS: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "packages": install_packages,
    "build": build,
    "up": up,
    "down": down,
    "status": status,
    "images": images,
    "kubeconfig": kubeconfig,
    "env": env,
    "dev": dev,
    "run": run_with,
    "prepare": prepare,
    "warm": warm,
    "clean": clean,
}


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m tests.cluster", description="A Kubernetes to test and try Soloist on."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        added = commands.add_parser(name, help=(command.__doc__ or "").strip())
        if name == "images":
            added.add_argument(
                "target", nargs="*", help=f"which ones; all when none is named: {', '.join(IMAGES)}"
            )
            added.add_argument("--json", action="store_true", help="print references as JSON")
        if name == "run":
            added.add_argument(
                "words",
                nargs=argparse.REMAINDER,
                metavar="COMMAND",
                help="the command and its arguments",
            )
    return parser


def main() -> int:
    asked = arguments().parse_args()
    try:
        return COMMANDS[asked.command](asked) or 0
    except Trouble as trouble:
        say(str(trouble))
        return 1
    except BrokenPipeError:
        # Whoever read has enough, as in `status | head -1`; Python would complain once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        say("Interrupted; run it again to go on.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
