"""Ports for servers that are about to start."""

from __future__ import annotations

import socket

import pytest

from tests.cluster import ports


def test_they_differ_and_nobody_listens_there() -> None:
    found = ports.free_ports(8)
    assert len(set(found)) == 8
    for port in found:
        socket.create_server(("127.0.0.1", port)).close()


def test_one_that_somebody_has_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        (free,) = ports.free_ports(1)
        monkeypatch.setattr(ports, "_next", iter([port, free]))
        assert ports.free_port() == free


def test_a_port_comes_again_only_after_all_others() -> None:
    asked = [ports.free_port() for _ in range(100)]
    assert len(set(asked)) == 100


def test_workers_have_slices_of_their_own_below_what_the_kernel_and_kubernetes_give_away() -> None:
    slices = [ports.slice_of(worker) for worker in ("gw0", "gw1", "gw7", "")]
    together = [port for one in slices for port in one]
    assert len(set(together)) == len(together)
    assert max(together) < 30_000
    assert min(together) > 10_260, "where Kubernetes' own servers listen"
