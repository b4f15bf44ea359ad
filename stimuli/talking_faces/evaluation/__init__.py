"""How well talking faces do on people they never saw, as a page."""
