"""Mail servers and mail files behind `customerservice.ports.transports`."""
