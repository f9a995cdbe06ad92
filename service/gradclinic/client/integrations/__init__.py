"""gradclinic in other tools: pytest, MCP, MLflow and W&B. Each module needs only its own tool, and the client."""
