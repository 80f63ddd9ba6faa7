"""GitHub's GraphQL door for the objects that exist here: an own small executor, not a general one."""
