raise SystemExit("not in a server")
