"""The pages: each module holds a page's states and its page function."""
