"""Voices of the synthetic actors: neutral speech with phone timing, ready to be given emotion."""
