"""`python -m edgeproof` is the command `edgeproof`, also where torchrun starts it."""

from edgeproof.cli.main import run

if __name__ == "__main__":
    run()
