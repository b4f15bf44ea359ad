"""The three formats that everything else meets in: protocol, stimulus manifest, ratings table."""
