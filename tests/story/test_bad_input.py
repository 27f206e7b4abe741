"""Bad input ends in one clear line and exit status 2; nothing is lost, nothing half-written."""

import json
import shutil

import pytest
import yaml

from edgeproof.recipe.templates import template_body


@pytest.fixture
def config(tmp_path):
    body = template_body("logistic_baseline")
    body["train"]["epochs"] = 1
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(body))
    return path


def refused(answer, *words):
    assert answer.status == 2, (answer.out, answer.err)
    lines = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, answer.err
    assert "Traceback" not in answer.err
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("trian.lr=1", ["unknown key 'trian'", "train"]),
        ("train.lrr=1", ["unknown key 'lrr'", "lr"]),
        ("train.epochs=many", ["train.epochs"]),
        ("train.epochs=0", ["train.epochs"]),
        ("model=mpl", ["unknown model 'mpl'", "mlp"]),
        ("features=hourly32", ["hourly32", "hourly23"]),
        ("costs.comission_bps=1", ["unknown key 'comission_bps'", "commission_bps"]),
        ("window=9999", ["window"]),
        ("label.horizon_bars=5000", ["bars"]),
        ("label.threshold_bps=100000", ["all 0"]),
        ("split.train=0.9", ["split"]),
        ("costs.impact=1", ["costs.impact", "account.start"]),
        ("costs.preset=binance", ["unknown cost preset 'binance'", "binance_spot"]),
        ("account.fill_at_close=true", ["account.fill_at_close", "ablation"]),
        ("policy=bracket", ["no barriers", "policy.take_profit"]),
        ("nonsense", ["key=value"]),
    ],
)
def test_config_mistakes(edgeproof, tiny_market, config, tmp_path, override, words):
    out = tmp_path / "run"
    refused(edgeproof("run", config, "--market", tiny_market, "--out", out, "--workspace", tmp_path, override), *words)
    assert not (out / "verdict.json").exists()


def test_missing_things(edgeproof, tiny_market, config, tmp_path):
    refused(edgeproof("run", tmp_path / "none.yaml", "--market", tiny_market), "none.yaml", "no such")
    refused(edgeproof("run", config, "--market", tmp_path / "none", "--out", tmp_path / "r"), "none")
    refused(edgeproof("run", config, "--out", tmp_path / "r"), "--market")
    refused(edgeproof("verdict", tmp_path / "none"), "none")
    refused(edgeproof("evaluate", tmp_path / "none", "--market", tiny_market), "none")
    refused(edgeproof("market", "show", tmp_path), str(tmp_path))
    refused(edgeproof("template", "copy", "mlp_basline", "--out", tmp_path / "x.yaml"), "mlp_baseline")


def test_empty_and_one_bar_markets(edgeproof, tmp_path):
    (tmp_path / "empty").mkdir()
    refused(edgeproof("market", "import", tmp_path / "empty", "--out", tmp_path / "m"), "empty")
    (tmp_path / "ONE.csv").write_text("time,open,high,low,close,volume\n2024-01-01 00:00,1,1,1,1,1\n")
    refused(edgeproof("market", "import", tmp_path / "ONE.csv", "--out", tmp_path / "m"), "ONE.csv")
    (tmp_path / "NUM.csv").write_text("time,open,high,low,close,volume\n2024-01-01,1,1,1,1,1\n2024-01-02,1,x,1,1,1\n")
    refused(edgeproof("market", "import", tmp_path / "NUM.csv", "--out", tmp_path / "m"), "NUM.csv", "3", "high")
    assert not (tmp_path / "m").exists()
    assert not list(tmp_path.glob(".partial*"))


def test_a_short_market_says_what_is_needed(edgeproof, config, tmp_path):
    edgeproof("market", "synth", "--bars", 420, "--symbols", 1, "--out", tmp_path / "short")
    refused(edgeproof("run", config, "--market", tmp_path / "short", "--out", tmp_path / "run"), "bars")


def test_an_existing_folder_is_not_written_over(edgeproof, tiny_market, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    refused(edgeproof("market", "synth", "--out", tmp_path / "mine"), "not empty")
    refused(edgeproof("demo", "--out", tmp_path / "mine"), "not a demo")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_tampering_is_refused(edgeproof, tiny_market, config, tmp_path):
    market = tmp_path / "m"
    shutil.copytree(tiny_market, market)
    first = edgeproof("run", config, "--market", market, "--out", tmp_path / "run", "--exit-zero", "--json")
    assert first.status == 0, first.err
    assert json.loads(first.out)["verdict"] == "inconclusive"

    weights = tmp_path / "run" / "bundle" / "weights.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[: len(good) // 2])
    refused(edgeproof("evaluate", tmp_path / "run" / "bundle", "--market", market), "weights.safetensors")
    refused(edgeproof("verdict", tmp_path / "run", "--open-sealed"), "weights.safetensors")
    weights.write_bytes(good)

    ledger = tmp_path / ".edgeproof" / "ledger.jsonl"
    lines = ledger.read_text().splitlines()
    ledger.write_text("\n".join([*lines[:2], *lines[3:]]) + "\n")
    refused(edgeproof("verdict", tmp_path / "run"), "ledger.jsonl")

    bars = next((market / "bars").iterdir())
    raw = bytearray(bars.read_bytes())
    raw[len(raw) // 2] ^= 1
    bars.write_bytes(bytes(raw))
    refused(edgeproof("market", "check", market), market.name)
