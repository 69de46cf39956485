"""firewalld."""
