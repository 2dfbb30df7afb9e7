"""What was sent that may have changed something: recorded before it leaves, and when its end is known."""
