"""The whole configuration as text: written out, compared, and put in place as one or not at all.

Without secrets and without what people and leads did. Rows are named by what people call them, never by numbers, so
that a text can go from one installation to another, into a repository, and through a review.
"""
