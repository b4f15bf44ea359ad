"""Mixed-effects models: from a formula to estimates, tests and contrasts."""
