"""Pure presentation: verdicts become text."""
