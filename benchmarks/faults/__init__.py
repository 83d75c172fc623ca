"""Faults of training, put into runs that are healthy without them."""
