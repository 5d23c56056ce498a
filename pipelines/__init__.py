"""Beam graphs, the command line, readers and writers: everything that imports Beam."""
