"""Benchmarks against peers. Every figure is a ratio of alternating runs, since machines drift."""

import src as src  # prepares the process of a program, before anything heavy is imported
