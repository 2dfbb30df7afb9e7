"""A second, independent OVH for tests, demo and practice."""
