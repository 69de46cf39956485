"""plan, apply and rollback: servers are changed one at a time, and each change is undone unless it is confirmed."""
