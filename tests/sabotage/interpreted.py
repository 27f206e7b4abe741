"""A pytest plugin: accounts are settled by the interpreted kernel where a test does not name an engine."""


def pytest_collection_finish() -> None:
    from edgeproof.simulator.engines import simulate, simulate_many

    for function in (simulate, simulate_many):
        defaults = function.__kwdefaults__
        assert defaults is not None
        defaults["engine"] = "python"
