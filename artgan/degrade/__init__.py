"""Seeded synthetic damage for training and evaluation."""
