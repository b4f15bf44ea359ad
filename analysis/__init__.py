"""From ratings to report: exclusions, mixed models, figures, words ready for a paper."""
