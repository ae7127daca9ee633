"""Live fundraising: a gift given in one browser moves the bar in every other."""
