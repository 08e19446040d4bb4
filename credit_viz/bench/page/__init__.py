"""The page measured in a real browser. The only part of the bench that knows the page."""
