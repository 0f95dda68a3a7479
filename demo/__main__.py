"""make demo: a cluster, the platform, a project on real data, a prediction."""

from __future__ import annotations

import sys
import time

from demo.commands import Commands
from demo.platform import TARGETS, install
from demo.prediction import ask
from demo.progress import follow
from tests.cluster.choice import choose
from tests.cluster.layout import CHECKOUT
from tests.cluster.phases import phase, say
from tests.cluster.trouble import Trouble

EXAMPLE = CHECKOUT / "workloads" / "examples" / "flight-delays"
NAMESPACE, PROJECT = "demo", "flight-delays"

NEXT = f"""
What to look at next:
  eval "$(python3 -m tests.cluster env)"                     # kubectl and its configuration for this shell
  kubectl get projects,pipelines,runs,modelendpoints -n {NAMESPACE}
  kubectl describe project {PROJECT} -n {NAMESPACE}
  kubectl explain project.spec.pipeline.steps
  kubectl port-forward -n soloist-system service/soloist-mlflow 5001:5000   # MLflow: http://127.0.0.1:5001
Edit workloads/examples/flight-delays/train.py and run `make demo` again: a new run, a new version. `make cluster-down` ends it all.
"""


def main() -> int:
    started = time.monotonic()
    try:
        demonstrate(started)
    except Trouble as trouble:
        say(str(trouble))
        return 1
    except KeyboardInterrupt:
        say("Interrupted; run it again to go on.")
        return 130
    return 0


def demonstrate(started: float) -> None:
    cluster = choose()
    say("The cluster")
    cluster.up()
    say("The platform")
    images = cluster.publish(TARGETS)
    environment = cluster.environment()
    install(images, environment)
    say(f"The project {PROJECT}")
    commands = Commands(environment, NAMESPACE)
    commands.ensure_namespace()
    applied = time.monotonic()
    with phase(f"kubectl apply -n {NAMESPACE} -k {EXAMPLE.relative_to(CHECKOUT)}"):
        generation = commands.apply_folder(EXAMPLE, PROJECT)
    follow(commands, PROJECT, generation, since=applied)
    say("A prediction")
    ask(commands, PROJECT)
    now = time.monotonic()
    say(
        f"\n{now - applied:.0f} s from kubectl apply to the prediction, {now - started:.0f} s in all."
    )
    say(NEXT)


if __name__ == "__main__":
    sys.exit(main())
