"""Small plots: well-formed, inert, drawn to scale, and empty where there is nothing to draw."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeproof.core.sketch import plots_of, sketch

KINDS = ("line", "bars", "histogram", "strip")
EVIL = "</svg><script>alert(1)</script>\"'&"
anything = st.none() | st.floats() | st.integers(-(10**6), 10**6)


def plot(kind: str, y: list[object], **more: object) -> dict[str, object]:
    return {"kind": kind, "title": "t", "x": list(range(len(y))), "y": y, "x_label": "", "y_label": ""} | more


def read(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own text


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(
    y=st.lists(anything, max_size=20),
    threshold=anything,
    log=st.booleans(),
    wrong=st.sampled_from(["", "above", "below"]),
    named=st.booleans(),
)
def test_whatever_was_measured_the_picture_is_well_formed_and_within_its_frame(kind, y, threshold, log, wrong, named):
    names = {"names": [f"n{k}" for k in range(len(y))]} if named else {}
    text = sketch(plot(kind, y, threshold=threshold, log=log, wrong=wrong, **names))
    if not text:
        assert not any(isinstance(value, int | float) and abs(value) < 1e150 for value in y)
        return
    read(text)
    assert "nan" not in text.lower()
    assert "inf" not in re.sub(r"aria-label=\"[^\"]*\"", "", text)


@pytest.mark.parametrize("kind", KINDS)
def test_markup_in_names_stays_text(kind):
    drawn = plot(kind, [1.0, 2.0], title=EVIL, x_label=EVIL, y_label=EVIL, names=[EVIL, EVIL])
    text = sketch(drawn | {"threshold": 1.5, "threshold_name": EVIL, "name": EVIL, "beside": {EVIL: [1.0, 3.0]}})
    assert "<script" not in text
    assert "script" not in {node.tag for node in read(text).iter()}


def test_a_line_is_drawn_to_scale():
    text = sketch(plot("line", [0.0, 1.0, 0.5]))
    points = read(text).find("polyline")
    assert points is not None
    (_, low), (_, high), (_, half) = (tuple(map(float, pair.split(","))) for pair in points.attrib["points"].split())
    assert high < half < low  # downward is larger
    assert half == pytest.approx((low + high) / 2, abs=0.1)


def test_a_logarithmic_scale_gives_equal_steps_to_equal_ratios():
    points = read(sketch(plot("line", [1.0, 0.1, 0.01], log=True))).find("polyline")
    assert points is not None
    ys = [float(pair.split(",")[1]) for pair in points.attrib["points"].split()]
    assert ys[1] - ys[0] == pytest.approx(ys[2] - ys[1], abs=0.11)


def test_bars_on_the_wrong_side_of_the_threshold_have_another_colour():
    named = plot("bars", [0.2, 0.9], names=["good", "bad"], threshold=0.5, wrong="above")
    good, bad = read(sketch(named)).findall("rect")
    assert good.attrib["fill"] != bad.attrib["fill"]
    assert "bad: 0.9" in sketch(named)


def test_bars_below_zero_lie_on_the_other_side_of_a_line_at_zero():
    drawn = read(sketch(plot("bars", [-1.0, 3.0], names=["a", "b"])))
    below, above = (one.attrib for one in drawn.iter() if one.tag.endswith("rect"))
    (zero,) = [float(one.attrib["x1"]) for one in drawn.iter() if one.tag.endswith("line")]
    assert float(below["x"]) + float(below["width"]) == pytest.approx(zero, abs=0.11)
    assert float(above["x"]) == pytest.approx(zero, abs=0.11)
    assert float(above["width"]) == pytest.approx(3 * float(below["width"]), rel=0.02)
    upright = read(sketch(plot("bars", [1.0, 3.0], names=["a", "b"])))
    assert not [one for one in upright.iter() if one.tag.endswith("line")]


def test_what_is_not_a_number_is_left_out_with_its_place():
    text = sketch(plot("bars", [1.0, None, float("nan"), 3.0], names=["a", "b", "c", "d"]))
    assert "a: 1" in text
    assert "d: 3" in text
    assert ">b<" not in text
    assert sketch(plot("line", [None, float("inf")])) == ""
    assert sketch({}) == ""


def test_plots_are_found_under_both_names():
    one, two = plot("line", [1.0]), plot("bars", [2.0])
    assert plots_of({"plot": one}) == [one]
    assert plots_of({"plots": [one, two], "plot": None}) == [one, two]
    assert plots_of({}) == []
