"""Every tier of tests, and the local Kubernetes that they run on."""
