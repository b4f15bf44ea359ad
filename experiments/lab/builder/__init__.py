"""The lab study as an experiment of PsychoPy's Builder, and its data back again."""
