"""What nft tells, and what its files will load."""
