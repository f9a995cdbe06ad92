"""Requests and responses of the API, one module per resource. Responses have no defaults: all fields are present."""
