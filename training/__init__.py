"""What training reads of a corpus: sequences by curriculum, and packings to compare them with."""
