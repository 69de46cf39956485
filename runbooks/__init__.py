"""What an operator runs: one module a workflow."""
