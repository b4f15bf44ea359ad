"""Listener reactions that survive a missing voice or face: Hu et al. (2024), in PyTorch."""
