"""Pure judgement: intent and observations become verdicts."""
