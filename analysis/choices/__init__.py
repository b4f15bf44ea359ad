"""Forced choice, check-boxes and paired ratings."""
