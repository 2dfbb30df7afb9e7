"""Starts things: one file per command."""
