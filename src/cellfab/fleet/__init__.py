"""A fleet of plants that sell cells into one market: what each can make, and at what price what of it is sold."""
