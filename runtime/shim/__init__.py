"""Programs that agents start: the gate's receive hook, `gh` and `ao`; they hold no credential and ask the service.

They use nothing but the standard library, so that a packed copy runs beside the agent, with `python -I -S`.
"""
