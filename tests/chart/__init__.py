"""The chart: rendered for several profiles of values, and installed on a real API server."""
