"""Studies that run without mien's server: a site for any web host, an archive for JATOS."""
