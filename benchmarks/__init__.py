"""What is timed, beside its peer. Every figure is a ratio of runs in turn, since machines drift."""

import src as src  # prepares the process of a program, before anything heavy is imported
