"""One-line faults of the trade, each with the tests that must notice it; `test_sabotage` puts them in one by one."""

from tests.sabotage.agents import AGENTS
from tests.sabotage.copies import COPIES
from tests.sabotage.judging import JUDGING
from tests.sabotage.money import MONEY
from tests.sabotage.searching import SEARCHING
from tests.sabotage.sight import SIGHT

__all__ = ["FAULTS"]

FAULTS = (*SIGHT, *COPIES, *MONEY, *JUDGING, *SEARCHING, *AGENTS)
