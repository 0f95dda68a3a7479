"""The serving runtime beside other servers, on one core each: `make bench`.

    peers.toml ─▶ environments ─▶ train ─▶ answers compared ─▶ rounds, servers taking turns ─▶ medians ─▶ docs/benchmarks/

A server is pinned to CPU 0 and its load to CPU 1, so a figure is "per core". Where requests per second and CPU time per
request disagree, the second is to be believed: a busy machine takes time away from a server, but adds little to what
the server spends.
"""
