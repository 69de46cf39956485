"""Nornir tasks that read, and the pure parsers of what they read."""
