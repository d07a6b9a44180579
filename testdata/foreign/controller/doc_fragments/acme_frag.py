class ModuleDocFragment(object):
    DOCUMENTATION = '''
options:
  region:
    description: Region.
    type: str
    default: eu
    env:
      - name: GORUN_TEST_REGION
'''
