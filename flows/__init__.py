"""Prefect flows, one per verb, and the artgan command."""
