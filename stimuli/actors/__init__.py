"""Synthetic actors that anyone may show: cast, expressions, and the studio that draws them."""
