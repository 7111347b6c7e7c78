"""What a trial raises where the state of the training is not what it was.

Without NumPy, which is the script's to import first.
"""


class StateChangedError(Exception):
    """Something is not as it was before an arm ran, though it was put back; the message says what."""
