"""A real one-node Kubernetes for the demo and the tests, from package registries only.

Uses nothing but the standard library, because it runs before any virtual environment exists.
"""
