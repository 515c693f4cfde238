"""What simulation does with a trained generator."""
