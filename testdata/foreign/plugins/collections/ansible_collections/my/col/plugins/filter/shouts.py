class FilterModule(object):
    def filters(self): return {'shout': lambda x: x.upper() + '!'}
