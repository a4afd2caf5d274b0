"""The subcommands of the command line, one a module, each with `add_arguments(parser)` and `run(arguments)`."""
