"""What is done on servers, a subject a folder."""
