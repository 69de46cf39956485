"""The command line: parse options, call one runbook, print one report, return one code."""

from runbooks.cli.commands import app, main

__all__ = ["app", "main"]
