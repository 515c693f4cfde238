"""Static HTML reports from the catalog tables."""
