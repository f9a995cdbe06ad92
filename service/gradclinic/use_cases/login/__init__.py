"""Login of people by OpenID Connect: who they are is said by a provider, what they may do by its groups."""
