"""Pure functions of text: rule signals, extraction, decoding, MinHash and length. No Beam."""
