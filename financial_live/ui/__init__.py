"""The site: pages, their states, and what keeps them live."""
