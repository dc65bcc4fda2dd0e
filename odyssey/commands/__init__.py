"""One module for each group of commands: settings, one call of a service, the result."""
