"""What came out of finished replicates: key figures, weekly curves and tables, and their mean over all of them."""
