"""Holdfast itself in a simulation: the real code of ``app``, as processes that start, stop, freeze and die."""
