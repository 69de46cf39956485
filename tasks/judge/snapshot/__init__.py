"""What was observed, as entries that can be compared."""
