"""Who may knock: the command line."""
