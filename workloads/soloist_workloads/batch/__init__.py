"""Scores files with a model as its endpoint would: each row is a request to the same code that serves.

    storage ──plan──▶ partitions ──▶ read ──▶ ask ──▶ write ──▶ record
                                              └─ serving's own `Scorer.invoke`, nothing beside it

A partition is scored whole or not at all, and its record says from what: a Run that comes after leaves out what is done.
"""
