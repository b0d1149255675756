"""Generators of conversations, one module per skill; `sample.py` mixes them."""
