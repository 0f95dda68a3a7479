"""User stories on a real cluster: given, when, then. They assert the state of the world, never the calls."""
