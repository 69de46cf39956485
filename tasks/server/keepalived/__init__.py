"""What keepalived says, is told and logs on a server."""
