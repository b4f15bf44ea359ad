"""Faces edited by valence and arousal: Lindt, Barros, Siqueira & Wermter (2019), in PyTorch."""
