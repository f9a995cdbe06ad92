"""Where records go: memory, a service, or the first of several processes."""
