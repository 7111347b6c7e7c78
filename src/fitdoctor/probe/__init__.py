"""What runs inside the user's process: standard library, NumPy and the user's own framework, nothing else."""
