"""The model becomes configuration text."""
