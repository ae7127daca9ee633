"""The use cases, by noun. A door parses, calls one function here with a Scope, and renders."""
