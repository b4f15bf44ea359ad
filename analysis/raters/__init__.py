"""How far raters agree, and how far a model agrees with people."""
