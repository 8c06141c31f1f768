"""Evaluates translators: metrics over items and sets, beside references, with spread; tables, a page and pictures."""
