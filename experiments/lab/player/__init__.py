"""The parts of a lab study. They need PsychoPy's own Python, and nothing of mien."""
