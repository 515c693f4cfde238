"""Measures of quality: features, set distances, paired measures, memorisation."""
