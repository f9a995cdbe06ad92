"""The REST API: one router a resource; `schemas` is what is sent, `http` what all routes share."""
