"""How the outside is reached: storages and transports behind the ports."""
