"""The whole way: from a market and a config to a verdict, its page, and a bundle."""
