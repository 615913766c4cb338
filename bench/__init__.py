"""The figures that Holdfast promises, each measured beside its floor in the same run: `python -m bench`."""
