limit = 1 / 0
