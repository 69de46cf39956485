"""window: a snapshot before a change, a comparison after it, go or no-go."""
