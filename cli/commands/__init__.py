"""The commands, one module each: a function of the command's name. Imported when it is asked for.

What is heavy (the facade, pictures) is imported in functions: completion and --help must be quick.
"""
