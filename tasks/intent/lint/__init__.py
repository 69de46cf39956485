"""Rules that no single value breaks."""
