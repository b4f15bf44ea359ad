"""Who and what enters the analysis."""
