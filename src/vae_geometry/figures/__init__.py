"""The figures, their numbers and their captions."""
