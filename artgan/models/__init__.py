"""Networks, one file per family, and their checkpoints."""
