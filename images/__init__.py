"""Builds Holdfast's images with buildah, with or without a public image registry. See `python3 -m images --help`."""
