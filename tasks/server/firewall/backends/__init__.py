"""Firewalls, a folder each."""
