"""Text before meaning: folding for matching, and sentence vectors."""
