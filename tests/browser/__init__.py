"""The pages as a browser shows them, and as a person without a mouse or JavaScript uses them."""
