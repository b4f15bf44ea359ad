"""How well listeners' reactions are made for speakers nobody learned from, as a page."""
