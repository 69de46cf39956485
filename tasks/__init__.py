"""The steps that runbooks are made of."""
