"""The profile `long` of the property tests: thousands of examples, other ones each time.

pytest tests/trust/test_convergence.py --hypothesis-profile=long
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "long",
    deadline=None,
    max_examples=2000,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
