"""Recruitment: platforms, signed links, set-up sheets, payment."""
