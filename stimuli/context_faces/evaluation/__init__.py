"""How well trained context-face networks do: the evaluation of Blume et al. 2024, as a page."""
