"""Soloist: one data scientist, end to end, on Kubernetes."""
