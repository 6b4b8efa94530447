"""
The audit: what somebody who has encoded records, and not the key, would learn.

A *scene* is a victim's file of filters and what an attacker holds beside it; an *attack* guesses
who is who; a *finding* is how often it was right.  Everything is a number: no name, no guess and
no filter leaves this room.
"""
