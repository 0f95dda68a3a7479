"""The first command of the README: from nothing to a prediction, telling what happens."""
