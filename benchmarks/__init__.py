"""What is timed, beside its peer. Every figure is a ratio of runs in turn, since machines drift."""
