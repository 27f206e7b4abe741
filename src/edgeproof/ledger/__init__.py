"""The ledger: what was done in a workspace, by which trial, from which bars, and what was opened."""
