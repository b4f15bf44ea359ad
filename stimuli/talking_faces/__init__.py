"""What the networks of models.talking_face learn from, and are asked for."""
