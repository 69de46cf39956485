"""Causes that evidence is known to have, and what to do about them."""
