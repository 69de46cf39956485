"""The history of runs: kept, shown, and where a change of the verdict is sent."""
