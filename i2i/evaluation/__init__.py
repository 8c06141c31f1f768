"""Figures that say how near a fake is to its target."""
