"""Context-shifted faces (Blume et al. 2024): what a face looks like to who hears its voice.

Letters of the paper: x picture or spectrogram, z latent, mu and log_var its mean and log-variance,
o the offset that a context gives to a face, m the weight of that offset, d the latent's size.
"""
