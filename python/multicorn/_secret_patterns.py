"""What passwords look like in text."""

import re

# ://user:password@. The password may itself hold '@', ':' and '/' when it was
# written unescaped, so everything up to the last '@' before white space or a
# quote goes: rather too much than a part of a password. The lengths are bound
# because the text may be a megabyte that somebody chose.
URL = re.compile(r"""(?P<head>://[^\s:/?#@'"]{0,256}):[^\s'"]{0,1024}@""")

# password=..., 'passwd': '...', password: ...; "token:" alone is a word of many
# parsers' messages.
ASSIGNMENT = re.compile(
    r"""(?P<head>
            \b\w{0,64}(?:password|passwd|pwd|secret|token|api_?key|access_?key)
            (?: ["']\s*:\s* | \s*=\s* )
          | \b(?:password|passwd|pwd)\s*:\s+
        )
        (?: "[^"]*" | '[^']*' | [^\s,;&'")\]}]+ )""",
    re.IGNORECASE | re.VERBOSE,
)
