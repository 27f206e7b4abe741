"""Planning a test against the numeric example of Lopez de Prado, Lipton & Zoonekynd (2025) and its invariances."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.stats.deflated import dsr_under_null, expected_maximum
from edgeproof.stats.power import critical_sharpe, level_for_fdr, observed_fdr, planned_fdr, power
from edgeproof.stats.sharpe import Law, minimum_track_under_null, psr_under_null, standard_error

# mean .036, sd .079, T = 24, skew -2.448, kurtosis 10.164, 15 digits by jsharpe 0.6.3; the authors' repository
# (zoonek/2025-sharpe-ratio) asserts sd .329 and .214, MinTRL 13.029, PSR .987 and .939, beta .315, pFDR .581, oFDR .306
EXAMPLE: list[dict[str, Any]] = [
    {
        "rho": 0,
        "sr": 0.45569620253164556,
        "sd_sr_nongauss": 0.3285885940427956,
        "sd_sr_gauss_iid": 0.21445954499051034,
        "mintrl_sr0_0_alpha0.05": 13.028778315593735,
        "mintrl_sr0_0.1_alpha0.05": 27.10915448862842,
        "critical_sr_alpha0.05": 0.3357543406331117,
        "power_sr1_0.5_alpha0.05": 0.6847919856294862,
        "mintrl_sr0_0_alpha0.1": 7.908995929745377,
        "mintrl_sr0_0.1_alpha0.1": 16.45635433467962,
        "critical_sr_alpha0.1": 0.2615956178874353,
        "power_sr1_0.5_alpha0.1": 0.7575308318962203,
        "psr_0": 0.987207261261433,
        "psr_0.1": 0.9391476251031433,
        "oFDR_p05": 0.30585644030366677,
        "oFDR_p10": 0.17267629041247462,
        "Emax_K10_V0.1": 0.49793170320847435,
        "dsr_K10": 0.41636029616371417,
        "dsr_K1var": 0.4506806504866181,
        "fdr_alpha": 0.022384427495051266,
        "fdr_beta": 0.3956204576336157,
        "fdr_sr_c": 0.40964037404439935,
        "fdr_q": 0.25,
    },
    {
        "rho": 0.2,
        "sr": 0.45569620253164556,
        "sd_sr_nongauss": 0.37948999753333174,
        "sd_sr_gauss_iid": 0.21445954499051034,
        "mintrl_sr0_0_alpha0.05": 19.543167473390604,
        "mintrl_sr0_0.1_alpha0.05": 39.36899843473083,
        "critical_sr_alpha0.05": 0.41121340673786816,
        "power_sr1_0.5_alpha0.05": 0.589431050859968,
        "mintrl_sr0_0_alpha0.1": 11.863493894618065,
        "mintrl_sr0_0.1_alpha0.1": 23.898575970532107,
        "critical_sr_alpha0.1": 0.32038789138615015,
        "power_sr1_0.5_alpha0.1": 0.6762921036696303,
        "psr_0": 0.9658320053889371,
        "psr_0.1": 0.900475917403146,
        "oFDR_p05": 0.5436651501040227,
        "oFDR_p10": 0.36075061783684664,
        "Emax_K10_V0.1": 0.49793170320847435,
        "dsr_K10": 0.42717821397568945,
        "dsr_K1var": 0.45711042304135235,
        "fdr_alpha": 0.01750013890877012,
        "fdr_beta": 0.5274962494632067,
        "fdr_sr_c": 0.5270887962371908,
        "fdr_q": 0.25,
    },
]
T, SKEW, KURTOSIS = 24, -2.448, 10.164


def law_of(row):
    return Law(SKEW, KURTOSIS, row["rho"])


@pytest.mark.parametrize("row", EXAMPLE)
def test_errors_and_track_of_the_example(row):
    law, sharpe = law_of(row), row["sr"]
    assert sharpe == pytest.approx(0.036 / 0.079)
    assert standard_error(sharpe, T, law) == pytest.approx(row["sd_sr_nongauss"], abs=1e-14)
    assert standard_error(sharpe, T) == pytest.approx(row["sd_sr_gauss_iid"], abs=1e-14)
    for benchmark in (0, 0.1):
        ours = psr_under_null(sharpe, T, law, benchmark=benchmark)
        assert ours == pytest.approx(row[f"psr_{benchmark}"], abs=1e-13)
        for alpha in (0.05, 0.1):
            track = minimum_track_under_null(sharpe, law, benchmark=benchmark, confidence=1 - alpha)
            assert track == pytest.approx(row[f"mintrl_sr0_{benchmark}_alpha{alpha}"], abs=1e-11)


@pytest.mark.parametrize("row", EXAMPLE)
def test_critical_ratio_power_and_false_discovery_of_the_example(row):
    law = law_of(row)
    for alpha in (0.05, 0.1):
        critical = critical_sharpe(T, law, level=alpha)
        assert critical == pytest.approx(row[f"critical_sr_alpha{alpha}"], abs=1e-13)
        assert power(T, 0.5, law, level=alpha) == pytest.approx(row[f"power_sr1_0.5_alpha{alpha}"], abs=1e-13)
    for prior, name in ((0.05, "oFDR_p05"), (0.1, "oFDR_p10")):
        assert observed_fdr(row["sr"], T, 0.5, law, prior=prior) == pytest.approx(row[name], abs=1e-12)
    level = level_for_fdr(row["fdr_q"], T, 0.5, law, prior=0.1)
    assert level is not None
    assert level == pytest.approx(row["fdr_alpha"], abs=1e-10)
    assert 1 - (power(T, 0.5, law, level=level) or 0) == pytest.approx(row["fdr_beta"], abs=1e-9)
    assert critical_sharpe(T, law, level=level) == pytest.approx(row["fdr_sr_c"], abs=1e-9)


@pytest.mark.parametrize("row", EXAMPLE)
def test_ten_trials_of_the_example(row):
    law, benchmark = law_of(row), 0.1**0.5 * expected_maximum(10)
    assert benchmark == pytest.approx(row["Emax_K10_V0.1"], abs=1e-13)
    assert psr_under_null(row["sr"], T, law, benchmark=benchmark) == pytest.approx(row["dsr_K1var"], abs=1e-12)
    ours = dsr_under_null(row["sr"], T, law, trials=10, trial_variance=0.1)
    assert ours == pytest.approx(row["dsr_K10"], abs=1e-12)


def test_planned_share_of_false_findings():
    # p1 = 5%, alpha = 5%, beta = .315: .581 in the authors' repository
    assert planned_fdr(0.05, 1 - 0.315, 0.05) == pytest.approx(0.5810397553516818, abs=1e-15)
    assert planned_fdr(0.05, 0.05, 0.3) == pytest.approx(0.7)  # a test without power finds what is there
    assert planned_fdr(0.0, 0.0, 0.5) is None


@given(st.integers(10, 5000), st.floats(0.01, 0.5), st.floats(1e-4, 0.3))
def test_power_exceeds_the_level_and_grows_with_the_record(periods, alternative, level):
    first = power(periods, alternative, level=level)
    later = power(4 * periods, alternative, level=level)
    assert first is not None
    assert later is not None
    assert level < first <= later
    assert power(periods, 0.0, level=level) == pytest.approx(level)


def test_what_cannot_be_said_is_none():
    impossible = Law(skew=5.0)
    assert critical_sharpe(0) is None
    assert power(100, 1.0, impossible) is None
    assert observed_fdr(0.1, 100, 1.0, impossible, prior=0.1) is None
    assert level_for_fdr(0.2, 100, 1.0, impossible, prior=0.1) is None
    assert level_for_fdr(0.5, 100, 0.2, prior=0.9) is None  # never that many false ones
