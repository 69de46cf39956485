"""drill: a failover and a failback, driven and measured."""
