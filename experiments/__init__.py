"""One study of the survey each: `python -m experiments.NAME`."""

import src as src  # prepares the process of a program, before anything heavy is imported
