"""Nornir's inventory: its files, checked before any host is asked, and logins."""
