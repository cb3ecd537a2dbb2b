"""Pages for people, in Dutch first: the chooser, the forms, the journal.

Everything works without JavaScript. A page shows what a flow answered and posts
back what a person decided; every form carries the token of its session.
"""
