"""What became of one document of an output, and why."""
