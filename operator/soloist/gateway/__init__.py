"""The data plane in front of one ModelEndpoint: what its Envoy must do, the files that make it do so, its counters read.

Pure, and without Kubernetes: a `GatewayPlan` goes in, JSON text comes out. Who mounts the files, and which pods the
backends are, is the kind's business.
"""
