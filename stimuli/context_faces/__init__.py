"""Context-shifted faces (Blume 2024): what their networks learn from."""
