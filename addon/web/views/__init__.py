"""What pages show, as values: made of the store and the desk, without a word of HTML."""
