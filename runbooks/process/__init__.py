"""What a run is for the machine that it runs on: exit code, signals, standard output, files."""
