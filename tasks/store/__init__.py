"""What outlives a run, in files of the state directory."""
