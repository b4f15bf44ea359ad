"""How finished pictures look: masks, grey, matching over a set, scrambled and inverted controls."""
