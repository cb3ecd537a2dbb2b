"""Proves. The only room that signs, and the only one that opens what is sealed.

A broker is as good as its keys, so everything that touches one stands here and
is small enough to read in one sitting. The room is pure: it gets bytes, not
paths, and is told the time. Where private keys are stored is not its affair,
because they leave it only sealed (`vault`); when a key signs, rests or goes is
computed from the instants in its record (`keyring`, `rotation`), never written
down as a state that somebody would have to keep up to date.

Three habits. An algorithm belongs to a purpose and a key to an algorithm, so
that no header of a token can choose either (`algorithms`; RFC 8725 sections 3.1
and 3.12). What comes from outside is called `unverified_*` until a `verify_*`
function returns something else. And one master key opens everything: it is the
one thing that is neither in the database nor in its backup.
"""
