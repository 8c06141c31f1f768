"""Datasets as they are stored, whatever the layout: rows of images by column, not yet pairs."""
