"""Search: trials over a space, drawn, pruned, taken up after a kill and recorded; it knows no market and no verdict."""
