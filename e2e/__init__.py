"""Stories of the whole product in real browsers, with its benchmarks and faults."""
