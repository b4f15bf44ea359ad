"""From protocol to files on disk: plan, synthetic actors, generators, media, manifest."""
