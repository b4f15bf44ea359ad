"""Faces edited by valence and arousal: what the networks learn from, and how well they do."""
