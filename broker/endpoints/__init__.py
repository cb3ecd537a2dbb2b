"""What machines talk to: parse, call a flow, render. No rules live here."""
