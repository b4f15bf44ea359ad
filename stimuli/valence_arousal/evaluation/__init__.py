"""How well faces are edited by valence and arousal, on people nobody learned from, as a page."""
