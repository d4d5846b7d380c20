"""Let the asserts of the published contract suites explain themselves."""

import pytest

pytest.register_assert_rewrite(
    "customerservice.testing.storage_contract",
    "customerservice.testing.storage_model",
    "customerservice.testing.transport_contract",
)
