"""The REST API: one router per resource. `schemas` has the requests and responses, `http` what all routes share."""
