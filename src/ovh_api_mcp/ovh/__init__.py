"""Step 4: speaks to OVH."""
