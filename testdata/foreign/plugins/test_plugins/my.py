class TestModule(object):
    def tests(self):
        return {'palindrome': lambda x: str(x) == str(x)[::-1]}
