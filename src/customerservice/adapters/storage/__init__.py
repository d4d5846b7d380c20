"""Storages behind `customerservice.ports.storage`."""
