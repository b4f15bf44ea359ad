"""Neural networks: tensors in, tensors out; their losses, training and evaluation.

Nothing here knows a file layout or a protocol. The families of generators (context-shifted faces,
talking faces, valence-arousal editing, listener reactions) each bring their networks to this
folder.
"""
