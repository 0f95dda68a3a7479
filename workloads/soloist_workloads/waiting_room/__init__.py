"""Holds requests while the model's first pod starts, and passes them on then."""
