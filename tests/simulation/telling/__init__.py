"""What a person sees: results, time lines, words for each change, tables, progress."""
