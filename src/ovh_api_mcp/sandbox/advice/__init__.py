"""What a script's end tells its writer: the hint that fits an error, the notes that fit a result."""
