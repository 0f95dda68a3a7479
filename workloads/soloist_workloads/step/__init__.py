"""Runs one step's command inside a Ray job and tells the operator, in one last line, how it ended."""
