"""What we need from outside: protocols, stated as promises."""
