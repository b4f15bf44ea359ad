"""From manifest to ratings: web study, its server, simulated participants."""
