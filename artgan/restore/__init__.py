"""What restoration does with a trained filler, and the classical methods beside it."""
