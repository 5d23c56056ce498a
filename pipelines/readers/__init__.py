"""Readers of dumps: each turns one open file into a stream of records."""
