"""Proof that hostile input, crashes and full disks lose nothing: `make hostile crash fuzz`."""
