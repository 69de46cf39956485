"""Nornir tasks that write to servers."""
