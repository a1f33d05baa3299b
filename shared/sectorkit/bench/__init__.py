"""Measuring on a benchmark of the user's own: a folder in BEIR's format, through the same index as any documents."""
