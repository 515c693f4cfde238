"""Scan files to pixels and back: decode, colour, hashes, write."""
