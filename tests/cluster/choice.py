"""Which cluster is meant: the one that the user names, kind where it can run, else the local one."""

from __future__ import annotations


from tests.cluster.cluster import Cluster
from tests.cluster.local import LocalCluster


def choose() -> Cluster:
    return LocalCluster()
