"""What can't be done here, said in one sentence."""

from __future__ import annotations


class Trouble(Exception):
    """The reason why a command can't do its work, and what to do about it; never shown with a traceback."""
