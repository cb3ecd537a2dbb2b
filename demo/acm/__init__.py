"""A simulated ACM: the sign-in of the Flemish government as a relying party sees it on the wire.

It is faithful where a broker could go wrong, as far as public facts reach: paths,
`code` only, RS256 with `kid` repeated in the payload, codes of 30 seconds that
work once, one forbidden scope that fails the whole request, `acr` only for who
asked with `acr_values`, a sign-on of two hours, `private_key_jwt` that discovery
does not mention and that wants the issuer as audience.

It is a simulation where faithfulness would be a pretence: nobody proves anything.
One picks a person of the village from a list, and every page says so.
"""
