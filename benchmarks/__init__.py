"""Measurements that ``make bench`` and its like print; not part of the distribution."""
