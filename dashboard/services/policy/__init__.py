"""The policy in force, its changes, and what it says of packages and cases."""

from dashboard.services.policy.profile import high_profile, high_profile_accounts
from dashboard.services.policy.versions import change, current

__all__ = ["change", "current", "high_profile", "high_profile_accounts"]
