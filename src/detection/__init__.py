"""Boxes around objects: how they are coded, which are kept, and how well they are found."""
