"""Foundations without a domain: errors, config, catalogs, randomness, files, identity, findings."""
