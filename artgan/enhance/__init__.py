"""Enhancement of whole scans: tone, noise and blur, size; each in files of its own."""
