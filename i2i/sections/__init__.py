"""Sections of the configuration: what the engine itself reads, and what each option of it may be."""
