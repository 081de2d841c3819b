"""Layers and blocks of networks."""
