"""
Data sets: people who do not exist, with the truth about which records are one person.
"""
