"""The researcher's side of a running study: how it stands, and what can be done about it."""
