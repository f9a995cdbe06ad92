"""A finding, to be shown."""

FINDING = {
    "condition": "vanishing_gradients",
    "severity": "critical",
    "harm": True,
    "confidence": 0.99,
    "layers": ["10.linear", "2.linear"],
    "first_step": 0,
    "last_step": 299,
    "evidence": [{"name": "depth_slope", "value": "Infinity", "unit": "decades", "threshold": 1.5}],
    "rule": "vanishing_gradients",
    "source": "somebody",
    "summary": "Gradients vanish.",
    "suggested_remedies": [{"kind": "swap_activation", "activation": "relu"}],
}
