"""The pages, and the figure behind each chart; `mounting.mount` adds them to an API."""
