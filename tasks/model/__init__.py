"""Frozen types that travel between the steps."""
