"""A bundle is judged on bars later than its training; a market without any says which are sealed, and by whose seal."""

import re

import edgeproof as ep
from edgeproof.core.progress import silent
from edgeproof.recipe.templates import template_body
from tests.story.test_bad_input import refused


def test_a_market_whose_later_bars_an_earlier_market_seals(edgeproof, tmp_path):
    """3,000 bars of a maker whose first 1,000 were a market before: 800 of them are open, as of that one."""
    short, long = (
        ep.make_market("linear", tmp_path / f"m{bars}", symbols=2, bars=bars, seed=7) for bars in (1000, 3000)
    )
    other = ep.make_market("linear", tmp_path / "other", symbols=2, bars=3000, seed=5, strength=0.3)
    run = ep.run(
        template_body("logistic_baseline"),
        other,
        out=tmp_path / "run",
        workspace=tmp_path,
        overrides=["train.epochs=1", "gates.profile=none"],
        write=silent,
    )
    evaluate = ("evaluate", run.folder / "bundle", "--workspace", tmp_path, "--market")
    first = edgeproof(*evaluate, short.path)
    refused(
        first, "was trained on bars up to 2020-03-", "the last closes at 2020-02-03 08:00", "200 of its 1000 bars are"
    )
    assert "earlier market" not in first.err
    answer = edgeproof(*evaluate, long.path)
    refused(
        answer, "the last closes at 2020-02-03 08:00", "2200 of its 3000 bars are sealed, by the seal of an earlier"
    )
    named = re.search(r"same bars \((\w{12})\)", answer.err)
    assert named is not None
    assert named[1] in (tmp_path / ".edgeproof" / "ledger.jsonl").read_text()
