"""User stories on a real cluster: given, when, then. They assert the state of the world, never the calls.

`make e2e` runs them all; `pytest tests/e2e -k quota` one. What may be set in the environment:

SOLOIST_E2E_AS_IS=1   take the installation that is there, build and install nothing
SOLOIST_KEEP=1        leave the namespaces (and the cluster) behind, to look around
SOLOIST_PATIENCE=4    wait longer where nothing is promised (2 by default)
SOLOIST_CHAOS_SEED=7  another order and other moments of the kills
"""
