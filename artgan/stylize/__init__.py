"""Stylizers: colour transfer and trained translators."""
