"""What stops a whole batch, as a sentence for the person who asked for it."""

from __future__ import annotations


class BatchProblem(Exception):
    """The batch can't go on; the message says what is wrong, where, and what to do."""
