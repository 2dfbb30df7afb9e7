"""Beside the steps: what the API looks like."""
