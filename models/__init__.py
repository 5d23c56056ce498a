"""Learned scorers and how each is trained. No Beam."""
