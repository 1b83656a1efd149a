"""The subcommands of `moat`, one module each."""
