DEEP = 'a folder without __init__.py'
