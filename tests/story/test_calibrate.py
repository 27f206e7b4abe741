import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import edgeproof as ep
from edgeproof.cli.main import app
from edgeproof.core.errors import ConfigError, DataError
from edgeproof.core.progress import silent
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.calibrate import calibrate
from edgeproof.recipe.templates import template_body


def small_config():
    return template_body("logistic_baseline") | {"policy": {"name": "threshold", "short": True, "thetas": 5}}


def run_once(out, market, *, surrogates=3, kind="sign_flip", write=silent):
    overrides = ["train.epochs=2"]
    return calibrate(
        small_config(), market, out=out, surrogates=surrogates, kind=kind, overrides=overrides, write=write
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrate") / "planted"
    return ep.make_market("linear", folder, symbols=4, bars=3000, seed=3, strength=0.15)


@pytest.fixture(scope="module")
def finished(planted, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "calibration"
    return out, run_once(out, planted, kind="sign_flip")


def test_it_counts_claims_and_stops_once_the_rest_cannot_change_the_answer(finished):
    out, found = finished
    assert found.planned == 3
    assert found.most_by_chance == 1
    assert found.done == len(found.results) <= 3
    assert found.claims == sum(result["answer"] == "edge" for result in found.results)
    assert found.flagged is not None
    assert found.rate_low <= found.rate <= found.rate_high
    assert json.loads((out / "calibration.json").read_text())["claims"] == found.claims


def test_every_surrogate_has_a_ledger_of_its_own(finished, planted):
    out, found = finished
    assert len(list((out / "ledgers").glob("*.jsonl"))) == found.done
    assert [result["opening"] for result in found.results] == [1] * found.done
    own = Ledger(planted.path.parent)
    assert not own.rows("trial")
    assert not own.rows("opening")


def test_daily_surrogates_do_not_pay_for_one_another(tmp_path):
    generator, days = np.random.default_rng(3), 700
    steps = 0.01 * generator.standard_normal((2, days))
    close = 100 * np.exp(np.cumsum(steps, axis=1))
    opens = close * np.exp(-0.5 * steps)
    frames = [
        pl.DataFrame(
            {
                "date": pl.date_range(date(2020, 1, 1), date(2020, 1, 1) + timedelta(days - 1), eager=True),
                "symbol": f"S{s}",
                "open": opens[s],
                "high": np.maximum(opens[s], close[s]) * 1.001,
                "low": np.minimum(opens[s], close[s]) * 0.999,
                "close": close[s],
                "volume": generator.lognormal(5, 1, days),
            }
        )
        for s in range(2)
    ]
    market = ep.from_polars(pl.concat(frames), tmp_path / "daily", universe="fixed")
    said: list[str] = []
    found = run_once(tmp_path / "out", market, surrogates=3, write=said.append)
    assert [result.get("opening", 1) for result in found.results] == [1] * found.done
    assert found.able  # 560 open days seal 112
    assert said[0].startswith("3 surrogates are a weak test")


def test_where_no_surrogate_can_claim_an_edge_it_says_so(finished):
    """3,000 hours leave 2,400 open, of which a surrogate seals 480: 20 days. 3,596 seal 720: 30 days."""
    _, found = finished
    assert not found.able
    said = " ".join(found.lines())
    assert "no surrogate can claim an edge: its sealed span has 20 days, 30 units are needed" in said
    assert "bring 1,196 more bars" in said
    assert "Not flagged therefore says nothing" in said
    assert "3 surrogates are a weak test" in said
    assert "(95% interval " in said
    assert 3596 - int(0.8 * 3596) == 720
    assert 3595 - int(0.8 * 3595) == 719


def test_one_surrogate_is_judged_all_the_same(planted, tmp_path):
    assert run_once(tmp_path / "one", planted, surrogates=1).done == 1


def test_killed_and_resumed_it_ends_the_same(finished, planted, tmp_path):
    _, whole = finished
    again = tmp_path / "again"
    run_once(again, planted)
    (again / "results" / f"{whole.done - 1:05d}.json").unlink()
    (again / "calibration.json").unlink()
    assert run_once(again, planted).to_json() == whole.to_json()


def test_a_folder_of_another_calibration_is_refused(finished, planted):
    out, _ = finished
    with pytest.raises(DataError, match="a calibration of another kind"):
        run_once(out, planted, kind="row_permutation")
    with pytest.raises(ConfigError, match="bootstrap"):
        run_once(out, planted, kind="bootstrap")
    with pytest.raises(ConfigError, match="surrogates: 0"):
        run_once(out, planted, surrogates=0)


def test_the_command(finished, planted):
    out, found = finished
    config = out.parent / "config.yaml"
    config.write_text(json.dumps(small_config()))
    arguments = ["calibrate", str(config), "train.epochs=2", "--market", str(planted.path), "--out", str(out)]
    done = CliRunner().invoke(app, [*arguments, "--surrogates", "3"])
    assert done.exit_code == (1 if found.flagged else 0)
    assert f"Claims of an edge: {found.claims}" in done.stdout
    shown = CliRunner().invoke(app, [*arguments, "--surrogates", "3", "--json", "--exit-zero"])
    assert json.loads(shown.stdout)["done"] == found.done
