def hello(): return 'hello from beside'
