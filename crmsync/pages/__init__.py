"""Page-shaped reads: everything that one page shows, gathered for one reader."""
