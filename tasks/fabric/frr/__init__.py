"""FRR's own words: what can be asked of it, whichever program passes the question on, and what it prints."""
