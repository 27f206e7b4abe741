"""Conformance suites for parts of the catalogs, made for the tests of packages outside as much as for our own.

@pytest.mark.parametrize("check", MODEL_CHECKS.values(), ids=MODEL_CHECKS)
def test_my_model(check, tmp_path):
    check(MyModelConfig(), tmp_path)
"""

from edgeproof.testing.losses import LOSS_CHECKS
from edgeproof.testing.models import MODEL_CHECKS

__all__ = ["LOSS_CHECKS", "MODEL_CHECKS"]
