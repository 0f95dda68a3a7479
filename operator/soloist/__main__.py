"""`python -m soloist`: `run` the operator, or `generate` what is derived from its sources."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of the command."""
    options = _parser().parse_args(arguments)
    if options.command == "run":
        # Imported here, so that generating needs neither kopf nor a cluster.
        from soloist.app import main as run

        return run()
    return _generate(options.root, options.targets, check=options.check)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="soloist", description="Soloist's operator")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the operator")
    generate = commands.add_parser("generate", help="write CRDs, reference and RBAC anew")
    generate.add_argument(
        "targets", nargs="*", metavar="target", help="crds, docs, rbac; all without"
    )
    generate.add_argument("--root", type=Path, default=Path(), help="root of the repository")
    generate.add_argument(
        "--check", action="store_true", help="write nothing, fail if something is stale"
    )
    return parser


def _generate(root: Path, targets: Sequence[str], *, check: bool) -> int:
    from soloist.generate import TARGETS, generate, stale

    chosen = tuple(targets) or tuple(TARGETS)
    unknown = sorted(set(chosen) - set(TARGETS))
    if unknown:
        print(
            f"no such target: {', '.join(unknown)} (there are {', '.join(TARGETS)})",
            file=sys.stderr,
        )
        return 2
    if not check:
        for path in generate(root, chosen):
            print(f"wrote {path}")
        return 0
    old = tuple(stale(root, chosen))
    for path in old:
        print(f"{path} is not what the sources say: run `make generate`", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
