"""Known-truth markets: the conditional law of the next bar is known, and with it the best possible score.

market = make_market("linear", Path("planted"), symbols=8, bars=20_000, seed=1, strength=0.10)
"""

from edgeproof.data.synthetic.generate import Generated, generate
from edgeproof.data.synthetic.market import make_market
from edgeproof.data.synthetic.planted import KINDS, Kind

__all__ = ["KINDS", "Generated", "Kind", "generate", "make_market"]
