from .other import V as value
