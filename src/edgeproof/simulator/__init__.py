"""What a trade costs: one account, written once, and the engines that run it."""
