NEW = "renamed"
