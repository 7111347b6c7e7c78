"""What Keras takes where a script says nothing."""

# Of `fit`, `evaluate` and `predict`, for arrays.
DEFAULT_BATCH_SIZE = 32
