"""Networks by the names of their configurations, and what was published of them."""
