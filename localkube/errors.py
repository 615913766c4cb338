"""The one error that a person gets to see without a traceback."""


class LocalkubeError(Exception):
    """Something a person has to act on; the message says what is wrong and what to do."""
