"""Prefect tasks: open, call one library function, record."""
