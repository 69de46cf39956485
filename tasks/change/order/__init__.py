"""In which order servers are changed, so that at no moment two of them are master."""
