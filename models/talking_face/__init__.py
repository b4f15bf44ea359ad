"""Talking faces from one picture, a voice and an emotion (Eskimez et al. 2021)."""
