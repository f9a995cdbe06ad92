"""The only place that imports torch: builds networks from data, trains them, records what happens."""
