"""Components: pure functions of typed values."""
