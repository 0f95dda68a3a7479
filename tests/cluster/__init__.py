"""A real Kubernetes for tests and for trying Soloist out; standard library only, so that it runs before any venv exists."""
