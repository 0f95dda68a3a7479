"""Endpoints under long load while something happens to them: the promises that take minutes to show, many times over.

Not a tier of `make test`: one round takes more than half an hour. The stories of `tests/e2e` try the same in small.
"""
