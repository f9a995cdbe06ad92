"""The workers, the only part of the service that imports torch: build networks, train them and record statistics."""
