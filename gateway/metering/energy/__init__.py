"""What GPUs' electricity went on: split like their time."""
