"""The `weir` command."""

from gateway.cli.root import weir


def main() -> None:
    """Run it."""
    weir()


if __name__ == "__main__":
    main()
