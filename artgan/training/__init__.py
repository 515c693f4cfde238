"""One training loop for every model family, run in a child process."""
