"""From a frozen request to a frozen frame: mailbox, stages, cache, renderer."""
