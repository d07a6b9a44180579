from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return [t.upper() + kwargs.get('tail', '') + str(variables.get('avar', 'none')) for t in terms]
