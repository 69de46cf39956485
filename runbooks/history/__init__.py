"""The history of runs: kept, shown, and told of."""
